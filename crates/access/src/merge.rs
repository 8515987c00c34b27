//! What becomes of keys and users that were changed in two places since they were last the same.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use crate::record::{KeyRecord, MAX_KEYS, MAX_USERS, Records, UserRecord, VERSION, fold_name};

/// What stands in a list and is told apart from the rest of it.
trait Item: Clone + PartialEq {
    type Id: Eq + Hash;

    fn id(&self) -> Self::Id;
}

impl Item for KeyRecord {
    type Id = String;

    fn id(&self) -> String {
        self.id.clone()
    }
}

impl Item for UserRecord {
    type Id = Option<Box<str>>;

    fn id(&self) -> Option<Box<str>> {
        fold_name(&self.name)
    }
}

/// Both changes of `base` in one: `ours`, made here, and `theirs`, which others know already. Keys are told apart by their ids,
/// users by their names in any spelling. Of one that both have changed, `theirs` counts; one that either has taken away is gone.
/// What others know stays in their order, and what only we have comes after it. What is more than a store may have is
/// left out, from the end.
pub fn merge_records(base: &Records, ours: &Records, theirs: &Records) -> Records {
    Records {
        version: VERSION,
        keys: merge_items(&base.keys, &ours.keys, &theirs.keys, MAX_KEYS),
        users: merge_items(&base.users, &ours.users, &theirs.users, MAX_USERS),
    }
}

/// What is in both, where nothing is known of what they were before: whatever one of them lacks was taken away, and of what
/// differs, `theirs` counts.
pub fn in_both(ours: &Records, theirs: &Records) -> Records {
    fn keep_common<T: Item>(ours: &[T], theirs: &[T]) -> Vec<T> {
        let known: HashSet<T::Id> = ours.iter().map(Item::id).collect();
        theirs.iter().filter(|item| known.contains(&item.id())).cloned().collect()
    }
    Records {
        version: VERSION,
        keys: keep_common(&ours.keys, &theirs.keys),
        users: keep_common(&ours.users, &theirs.users),
    }
}

fn merge_items<T: Item>(base: &[T], ours: &[T], theirs: &[T], most: usize) -> Vec<T> {
    // Also where they differ in their order alone.
    if theirs == base {
        return ours.iter().take(most).cloned().collect();
    }
    let by_id = |all: &[T]| all.iter().map(|item| (item.id(), item.clone())).collect::<HashMap<_, _>>();
    let (before, mut here) = (by_id(base), by_id(ours));
    let mut all = Vec::with_capacity(theirs.len());
    for item in theirs {
        let id = item.id();
        let stays = match (before.get(&id), here.remove(&id)) {
            // We took it away.
            (Some(_), None) => None,
            // We changed it, and they did not.
            (Some(before), Some(ours)) if before == item => Some(ours),
            _ => Some(item.clone()),
        };
        all.extend(stays);
    }
    // What they lack and was there before, they took away.
    all.extend(
        ours.iter()
            .filter(|item| {
                let id = item.id();
                here.contains_key(&id) && !before.contains_key(&id)
            })
            .cloned(),
    );
    all.truncate(most);
    all
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::subsequence;

    use super::*;
    use crate::store::check_records;
    use crate::{Role, password};

    fn key(number: u32, role: Role) -> KeyRecord {
        KeyRecord {
            id: format!("{number:08x}"),
            name: format!("key {number}"),
            role,
            streams: Vec::new(),
            uses: Vec::new(),
            created: UNIX_EPOCH,
            expires: None,
            sha256: "ab".repeat(32),
            link_by: None,
        }
    }

    fn user(name: &str, role: Role) -> UserRecord {
        // A hash takes long, and which one it is does not matter.
        let password = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA".into();
        let (streams, uses) = (Vec::new(), Vec::new());
        UserRecord { name: name.into(), role, streams, uses, created: UNIX_EPOCH, password }
    }

    fn of(keys: &[(u32, Role)], users: &[(&str, Role)]) -> Records {
        Records {
            keys: keys.iter().map(|(number, role)| key(*number, *role)).collect(),
            users: users.iter().map(|(name, role)| user(name, *role)).collect(),
            ..Records::default()
        }
    }

    fn role() -> impl Strategy<Value = Role> {
        prop_oneof![Just(Role::Viewer), Just(Role::Operator), Just(Role::Admin)]
    }

    /// Of few keys and users, so that they meet; users in one of two spellings.
    fn records() -> impl Strategy<Value = Records> {
        let keys = subsequence((0..6_u32).collect::<Vec<_>>(), 0..=6).prop_shuffle();
        let users = subsequence(vec!["Anna", "Otto", "Änne"], 0..=3).prop_shuffle();
        (keys, users, vec(role(), 6), vec(role(), 3), vec(any::<bool>(), 3)).prop_map(
            |(keys, users, of_keys, of_users, small)| Records {
                keys: keys.into_iter().zip(of_keys).map(|(number, role)| key(number, role)).collect(),
                users: users
                    .into_iter()
                    .zip(of_users)
                    .zip(small)
                    .map(|((name, role), small)| {
                        user(&if small { name.to_lowercase() } else { name.to_owned() }, role)
                    })
                    .collect(),
                ..Records::default()
            },
        )
    }

    fn ids(records: &Records) -> HashSet<String> {
        let users = records.users.iter().filter_map(|user| fold_name(&user.name)).map(String::from);
        records.keys.iter().map(|key| key.id.clone()).chain(users).collect()
    }

    proptest! {
        #[test]
        fn what_one_side_left_alone_is_as_the_other_has_it(base in records(), x in records()) {
            prop_assert_eq!(merge_records(&base, &x, &base), x.clone());
            prop_assert_eq!(merge_records(&base, &base, &x), x.clone());
            prop_assert_eq!(merge_records(&base, &x, &x), x);
        }

        #[test]
        fn a_removal_on_either_side_is_one_and_nothing_else_goes(
            base in records(), ours in records(), theirs in records()
        ) {
            let merged = merge_records(&base, &ours, &theirs);
            let (before, here, there) = (ids(&base), ids(&ours), ids(&theirs));
            let all: HashSet<_> = here.union(&there).filter(|id| {
                !before.contains(*id) || here.contains(*id) && there.contains(*id)
            }).cloned().collect();
            prop_assert_eq!(ids(&merged), all);
            prop_assert!(check_records(&merged).is_ok());
        }

        #[test]
        fn what_is_merged_again_is_the_same(base in records(), ours in records(), theirs in records()) {
            let merged = merge_records(&base, &ours, &theirs);
            prop_assert_eq!(merge_records(&base, &ours, &merged), merged.clone(), "once it is known to all");
            prop_assert_eq!(merge_records(&base, &merged, &theirs), merged, "once it is written here");
        }

        #[test]
        fn of_what_nobody_knows_the_origin_of_only_what_both_have_stays(
            ours in records(), theirs in records()
        ) {
            let both = in_both(&ours, &theirs);
            let expected: HashSet<_> = ids(&ours).intersection(&ids(&theirs)).cloned().collect();
            prop_assert_eq!(ids(&both), expected);
            prop_assert!(check_records(&both).is_ok());
        }
    }

    #[test]
    fn each_side_keeps_what_only_it_changed() {
        use Role::{Admin, Operator, Viewer};
        let base = of(&[(1, Viewer), (2, Viewer), (3, Viewer)], &[("Anna", Viewer), ("Otto", Viewer)]);
        let ours = of(&[(1, Admin), (3, Viewer), (7, Viewer)], &[("Anna", Viewer)]);
        let theirs = of(
            &[(1, Viewer), (2, Operator), (3, Operator), (8, Viewer)],
            &[("Anna", Admin), ("Otto", Viewer)],
        );
        let expected = of(&[(1, Admin), (3, Operator), (8, Viewer), (7, Viewer)], &[("Anna", Admin)]);
        assert_eq!(merge_records(&base, &ours, &theirs), expected);
    }

    #[test]
    fn of_two_users_of_one_name_the_one_that_others_know_stays() {
        let ours = of(&[], &[("ÄNNE", Role::Admin), ("Anna", Role::Viewer)]);
        let theirs = of(&[], &[("Änne", Role::Viewer)]);
        let expected = of(&[], &[("Änne", Role::Viewer), ("Anna", Role::Viewer)]);
        assert_eq!(merge_records(&Records::default(), &ours, &theirs), expected);
        assert!(password::is_hash(&expected.users[0].password) && check_records(&expected).is_ok());
    }

    #[test]
    fn no_more_are_kept_than_a_store_may_have() {
        let many = |from: u32, count: usize| Records {
            keys: (from..).take(count).map(|number| key(number, Role::Viewer)).collect(),
            ..Records::default()
        };
        let (ours, theirs) = (many(0, MAX_KEYS), many(1_000_000, MAX_KEYS - 1));
        let merged = merge_records(&Records::default(), &ours, &theirs);
        assert_eq!(merged.keys.len(), MAX_KEYS);
        assert_eq!(merged.keys[..MAX_KEYS - 1], theirs.keys[..]);
        assert_eq!(merged.keys[MAX_KEYS - 1], ours.keys[0]);
        let ours = many(0, MAX_KEYS + 1);
        assert_eq!(merge_records(&Records::default(), &ours, &Records::default()).keys.len(), MAX_KEYS);
        let users = (0..=MAX_USERS).map(|number| user(&format!("u{number}"), Role::Viewer)).collect();
        let ours = Records { users, ..Records::default() };
        assert_eq!(merge_records(&Records::default(), &ours, &Records::default()).users.len(), MAX_USERS);
    }
}
