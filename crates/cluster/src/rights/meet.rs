//! What is to become of the keys and users here and those that all have in common. Nothing is read, written or asked here.

use sightwire_access::merge::{in_both, merge_records};
use sightwire_access::record::Records;

/// Keys and users that all have in common.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shared {
    /// From 1 on; 0 where there are none.
    pub(super) version: u64,
    /// Where these versions began.
    pub(super) origin: String,
    /// Of this version of us.
    pub(super) records: Records,
}

/// From when on there may be changes here that others do not know.
#[derive(Clone, Debug)]
pub(super) enum Base {
    /// Since all had this in common.
    Common(Shared),
    /// Since this was what stood here, and all of it went into the version that it has.
    Sent(Shared),
}

impl Base {
    fn shared(&self) -> &Shared {
        match self {
            Self::Common(shared) | Self::Sent(shared) => shared,
        }
    }
}

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(super) enum Met {
    /// All have this in common, and it counts here from now on.
    Common {
        shared: Shared,
        /// Whether what counted here before has nothing to do with it, and is to be kept for people.
        is_foreign: bool,
    },
    /// This has to be in common, in the place of version `before`.
    Put {
        /// 0: there is none.
        before: u64,
        new: Shared,
    },
}

/// Of a process that has `ours` (nothing if its file is gone), and hears that all have `theirs` in common. `origin` names new
/// versions, where there were none.
pub(super) fn plan_merge(
    base: Option<&Base>,
    ours: Option<&Records>,
    theirs: Option<&Shared>,
    origin: impl FnOnce() -> String,
) -> Met {
    let (shared, nothing) = (base.map(Base::shared), Records::default());
    // A file that is gone removes nothing.
    let ours = ours.or(shared.map(|shared| &shared.records)).unwrap_or(&nothing);
    let put = |before: u64, version: u64, origin: &str, records: Records| Met::Put {
        before,
        new: Shared { version, origin: origin.to_owned(), records },
    };
    let join = |theirs: &Shared| Met::Common {
        shared: theirs.clone(),
        is_foreign: !is_empty(ours) && *ours != theirs.records,
    };
    match (shared.filter(|shared| shared.version > 0), theirs) {
        (None, None) if is_empty(ours) => {
            // What is added here before anybody has anything goes together with what others add meanwhile.
            let shared = Shared { version: 0, origin: String::new(), records: Records::default() };
            Met::Common { shared, is_foreign: false }
        }
        (None, None) => put(0, 1, &origin(), ours.clone()),
        // It has forgotten all.
        (Some(base), None) => put(0, base.version + 1, &base.origin, ours.clone()),
        (None, Some(theirs)) if shared.is_none() => join(theirs),
        (Some(base), Some(theirs)) if base.origin != theirs.origin && base.version < theirs.version => {
            join(theirs)
        }
        // It has forgotten some, or began anew with somebody who knew less.
        (Some(base), Some(theirs)) if base.origin != theirs.origin || base.version > theirs.version => {
            put(theirs.version, base.version + 1, &base.origin, ours.clone())
        }
        (known, Some(theirs)) => {
            let before = known.map_or(&nothing, |known| &known.records);
            let is_same = known.is_some_and(|known| known.version == theirs.version);
            let merged = match base {
                // It has forgotten one, and another came in its place: who has removed what is not known any more.
                Some(Base::Common(_)) if is_same && *before != theirs.records => {
                    merge_records(before, ours, &in_both(before, &theirs.records))
                }
                _ => merge_records(before, ours, &theirs.records),
            };
            if merged == theirs.records {
                Met::Common { shared: theirs.clone(), is_foreign: false }
            } else {
                put(theirs.version, theirs.version + 1, &theirs.origin, merged)
            }
        }
    }
}

fn is_empty(records: &Records) -> bool {
    records.keys.is_empty() && records.users.is_empty()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use sightwire_access::Role;
    use sightwire_access::record::KeyRecord;

    use super::*;

    fn of(keys: &[u32]) -> Records {
        let key = |number: &u32| KeyRecord {
            id: format!("{number:08x}"),
            name: "key".into(),
            role: Role::Viewer,
            streams: Vec::new(),
            uses: Vec::new(),
            created: UNIX_EPOCH,
            expires: None,
            sha256: "ab".repeat(32),
            link_by: None,
        };
        Records { keys: keys.iter().map(key).collect(), ..Records::default() }
    }

    fn shared(origin: &str, version: u64, keys: &[u32]) -> Shared {
        Shared { version, origin: origin.into(), records: of(keys) }
    }

    /// Since all had that in common.
    fn met(base: Option<&Shared>, ours: Option<&[u32]>, theirs: Option<&Shared>) -> Met {
        let base = base.cloned().map(Base::Common);
        plan_merge(base.as_ref(), ours.map(of).as_ref(), theirs, || "new".into())
    }

    fn common(shared: Shared) -> Met {
        Met::Common { shared, is_foreign: false }
    }

    fn put(before: u64, new: Shared) -> Met {
        Met::Put { before, new }
    }

    #[test]
    fn the_first_gives_what_it_has_and_whoever_comes_later_takes_it() {
        assert_eq!(met(None, Some(&[1, 2]), None), put(0, shared("new", 1, &[1, 2])));
        let theirs = shared("x", 4, &[1, 2]);
        for ours in [None, Some(&[][..]), Some(&[1, 2])] {
            assert_eq!(met(None, ours, Some(&theirs)), common(theirs.clone()));
        }
        let foreign = Met::Common { shared: theirs.clone(), is_foreign: true };
        assert_eq!(met(None, Some(&[1, 3]), Some(&theirs)), foreign);
        // It comes from another cluster of that name and secret.
        assert_eq!(met(Some(&shared("y", 3, &[1, 3])), Some(&[1, 3]), Some(&theirs)), foreign);
    }

    #[test]
    fn where_nobody_has_anything_what_two_begin_with_goes_together() {
        let nothing = shared("", 0, &[]);
        assert_eq!(met(None, None, None), common(nothing.clone()));
        assert_eq!(met(Some(&nothing), Some(&[1]), None), put(0, shared("new", 1, &[1])));
        let theirs = shared("x", 1, &[2]);
        assert_eq!(met(Some(&nothing), Some(&[1]), Some(&theirs)), put(1, shared("x", 2, &[2, 1])));
        assert_eq!(met(Some(&nothing), Some(&[]), Some(&theirs)), common(theirs));
    }

    #[test]
    fn what_either_changed_is_changed_for_both() {
        let base = shared("x", 4, &[1, 2, 3]);
        let ours = Some(&[1, 3, 5][..]);
        assert_eq!(met(Some(&base), ours, Some(&base)), put(4, shared("x", 5, &[1, 3, 5])));
        let theirs = shared("x", 6, &[2, 3, 7]);
        assert_eq!(met(Some(&base), ours, Some(&theirs)), put(6, shared("x", 7, &[3, 7, 5])));
        assert_eq!(met(Some(&base), Some(&[1, 2, 3]), Some(&theirs)), common(theirs.clone()));
        assert_eq!(met(Some(&base), None, Some(&theirs)), common(theirs), "a lost file removes nothing");
        assert_eq!(met(Some(&base), None, Some(&base)), common(base.clone()));
        assert_eq!(
            met(Some(&base), Some(&[]), Some(&base)),
            put(4, shared("x", 5, &[])),
            "an empty one does"
        );
    }

    #[test]
    fn what_was_forgotten_is_put_back_by_whoever_knows_more() {
        let base = shared("x", 4, &[1, 2]);
        assert_eq!(met(Some(&base), Some(&[1]), None), put(0, shared("x", 5, &[1])));
        assert_eq!(met(Some(&base), None, None), put(0, shared("x", 5, &[1, 2])));
        let older = shared("x", 3, &[1, 2, 3]);
        assert_eq!(met(Some(&base), Some(&[1, 2]), Some(&older)), put(3, shared("x", 5, &[1, 2])));
        let anew = shared("y", 4, &[9]);
        assert_eq!(met(Some(&base), Some(&[1, 2]), Some(&anew)), put(4, shared("x", 5, &[1, 2])));
    }

    #[test]
    fn of_two_versions_with_one_number_nothing_comes_back_that_one_of_them_had_removed() {
        let base = shared("x", 4, &[1, 2]);
        let theirs = shared("x", 4, &[1, 2, 3]);
        let merged = shared("x", 5, &[1, 2, 7]);
        assert_eq!(met(Some(&base), Some(&[1, 2, 7]), Some(&theirs)), put(4, merged));
    }

    #[test]
    fn what_changes_here_while_others_are_told_is_a_change_of_what_they_were_told() {
        // Key 5 was made here, 7 elsewhere, and 5 was revoked here before the answer came.
        let sent = Base::Sent(shared("x", 7, &[1, 5]));
        for (theirs, new) in [(shared("x", 7, &[1, 7, 5]), [1, 7]), (shared("x", 9, &[1, 7, 5]), [1, 7])] {
            let met = plan_merge(Some(&sent), Some(&of(&[1])), Some(&theirs), String::new);
            assert_eq!(met, put(theirs.version, shared("x", theirs.version + 1, &new)));
        }
        let theirs = shared("x", 7, &[1, 7, 5]);
        assert_eq!(plan_merge(Some(&sent), Some(&of(&[1, 5])), Some(&theirs), String::new), common(theirs));
    }
}
