//! A section as a room declares it, and what is made of it without another word.

use std::path::Path;
use std::time::Duration;

use crate::key::Profile;
use crate::{Effect, Field, Kind, Layers, Origin, Section, Sections, Table, Values, documents};

crate::section! {
    /// How cats are kept.
    #[derive(Debug, PartialEq)]
    pub(crate) struct CatOptions: "cats" {
        /// Cats at once, at most. One more is sent away.
        max_cats: u8 = key("max_cats", Int(1, 100), 9).at_once().old_names(&["MAX_CATS"]) => |cats| cats as u8;
        /// Seconds until a cat
        /// is fed.
        patience: Duration = key("patience_s", Seconds(0.5, 3600.0), 60.0);
        /// Memory for pictures of cats, in MiB.
        memory_bytes: usize = key("memory_mb", Mib(1, 64), 8);
        /// Where they sleep: inside, outside or nowhere.
        inside: bool = key("sleep", Choice(&["inside", "outside", "nowhere"]), "inside") => |at| at == "inside";
        /// What they are called.
        names: Vec<String> = key("names", List, ["Tom", "Kit"]), parse |names: Vec<String>| {
            if names.iter().any(String::is_empty) { Err("every cat has a name") } else { Ok(names) }
        };
        /// What opens the door.
        door_secret: String = key("door_secret", Text, "").secret();
        /// How well they are kept: poor or rich.
        _comfort: &'static str = key("comfort", Choice(&["poor", "rich"]), "poor").see_page("cats.md#rich");
    }
}

static DOGS: Table = Table {
    name: "dog",
    shown: "[[dog]]",
    effect: Effect::AtOnce,
    example: "\n# A dog.\n# [[dog]]\n# id = \"rex\"\n",
    fields: &[
        Field::new("id", Kind::Text),
        Field::new("age", Kind::Number { from: 0.0, to: 20.0 }),
        Field::new("tag", Kind::Text).secret(),
    ],
};

static CATS: Section = Section::new("cats", CatOptions::KEYS)
    .with_tables(&[&DOGS])
    .with_spelling("felines")
    .with_profile(Profile {
        key: "cats.comfort",
        coupled: &["cats.memory_mb"],
        values: &[("poor", &[8]), ("rich", &[64])],
    });

static SECTIONS: Sections = Sections::new(&[&CATS]);

/// With a file of that text.
fn layers(text: &str) -> Result<Layers, String> {
    let mut layers = Layers::defaults(SECTIONS);
    layers.add_text(text, Path::new("a.toml")).map_err(|error| error.to_string())?;
    Ok(layers)
}

fn read(text: &str) -> Result<CatOptions, String> {
    CatOptions::read(Values::new(&layers(text)?)).map_err(|error| error.to_string())
}

#[test]
fn a_key_is_read_where_it_is_declared_with_its_range_and_default() {
    let usual = read("").unwrap();
    let expected = CatOptions {
        max_cats: 9,
        patience: Duration::from_secs(60),
        memory_bytes: 8 << 20,
        inside: true,
        names: vec!["Tom".to_owned(), "Kit".to_owned()],
        door_secret: String::new(),
        _comfort: "poor",
    };
    assert_eq!(usual, expected);
    let set = read("[cats]\nmax_cats = 2\npatience_s = 3\nsleep = \"outside\"\nnames = \"Tim\"\n").unwrap();
    assert_eq!((set.max_cats, set.patience, set.inside), (2, Duration::from_secs(3), false));
    assert_eq!(set.names, ["Tim"]);
    assert_eq!(read("[felines]\nmax_cats = 3").unwrap().max_cats, 3, "in its other spelling");
}

#[test]
fn a_mistake_names_the_key_the_value_the_place_and_what_is_allowed() {
    for (text, error) in [
        ("[cats]\nmax_cats = 0", "a.toml, line 2: `cats.max_cats` = 0: it must be from 1 to 100"),
        (
            "[cats]\n\nsleep = \"no\"",
            "a.toml, line 3: `cats.sleep` = \"no\": it must be inside, outside or nowhere",
        ),
        ("[cats]\nnames = [\"\"]", "a.toml, line 2: `cats.names` = [\"\"]: every cat has a name"),
        ("[cats]\nmemory_mb = 65", "a.toml, line 2: `cats.memory_mb` = 65: it must be from 1 to 64"),
        (
            "[cats]\nmax_cats = true",
            "a.toml, line 2: `cats.max_cats` = true: expected a whole number from 1 to 100",
        ),
        ("[cats]\nsleep = 3", "a.toml, line 2: `cats.sleep` = 3: expected inside, outside or nowhere"),
        ("[cats]\nnames = 3", "a.toml, line 2: `cats.names` = 3: expected a list such as [\"a\", \"b\"]"),
        (
            "[cats]\nmax_cat = 1",
            "a.toml, line 2: there is no key `cats.max_cat`; did you mean `cats.max_cats`?",
        ),
        (
            "[dog]\nid = 1",
            "a.toml, line 1: this [[dog]] cannot be used: write [[dog]] with two brackets: it is a list",
        ),
        (
            "[[dog]]\nid = \"a\"\n[[dog]] # the second\nage = \"old\"",
            "a.toml, line 4: this [[dog]] cannot be used: `age` = \"old\": expected a number from 0 to 20",
        ),
        (
            "[[dog]]\naeg = 3",
            "a.toml, line 2: this [[dog]] cannot be used: there is no key `aeg`; did you mean `age`?",
        ),
        ("dog = [3]", "a.toml, line 1: this [[dog]] cannot be used: expected keys and values"),
        ("[[dogs]]\nid = \"a\"", "a.toml, line 1: there is no key `dogs`; did you mean `[[dog]]`?"),
        ("[[cats]]\nsleep = 3", "a.toml, line 1: there is no key `cats`; it is a section: write `[cats]`"),
        ("cats = 3", "a.toml, line 1: there is no key `cats`; it is a section: write `[cats]`"),
    ] {
        let said = read(text).unwrap_err();
        assert!(said.starts_with(error), "{said}");
    }
}

#[test]
fn a_secret_is_shown_nowhere() {
    for text in ["[cats]\ndoor_secret = 4711", "[[dog]]\ntag = 4711"] {
        let said = read(text).unwrap_err();
        assert!(said.contains("(not shown)") && !said.contains("4711"), "{said}");
    }
    assert!(SECTIONS.is_secret("cats.door_secret") && SECTIONS.is_secret("cats.dor_secret"));
    assert!(!SECTIONS.is_secret("cats.max_cats"));
}

#[test]
fn later_layers_go_before_earlier_ones_and_each_value_says_where_it_was_set() {
    let mut layers = layers("[cats]\nmax_cats = 2\npatience_s = 5\n").unwrap();
    let variables = [("MAX_CATS", "3"), ("SIGHTWIRE_CATS_SLEEP", "nowhere")];
    layers
        .add_environment(
            variables.map(|(name, value)| (name.to_owned(), value.to_owned())),
            Origin::Environment,
        )
        .unwrap();
    layers.add_flag("cats.patience_s=7").unwrap();
    let origins = ["cats.max_cats", "cats.sleep", "cats.patience_s", "cats.names"];
    let origins = origins.map(|name| layers.get(name).1.to_string());
    assert_eq!(
        origins,
        ["environment MAX_CATS", "environment SIGHTWIRE_CATS_SLEEP", "--set cats.patience_s=7", "default"]
    );
    let options = CatOptions::read(Values::new(&layers)).unwrap();
    assert_eq!((options.max_cats, options.inside, options.patience.as_secs()), (3, false, 7));
}

#[test]
fn a_profile_sets_what_it_couples_unless_that_is_set_by_itself() {
    assert_eq!(read("[cats]\ncomfort = \"rich\"").unwrap().memory_bytes, 64 << 20);
    assert_eq!(read("[cats]\nmemory_mb = 3\ncomfort = \"rich\"").unwrap().memory_bytes, 3 << 20);
}

#[test]
fn what_has_changed_is_named_and_whether_it_takes_effect_at_once() {
    let (before, now) = (
        layers("").unwrap(),
        layers("[cats]\nmax_cats = 2\nsleep = \"outside\"\n[[dog]]\nid = \"a\"").unwrap(),
    );
    let changed = now.changed_since(&before);
    assert_eq!(changed, ["cats.max_cats", "cats.sleep", "[[dog]]"]);
    assert_eq!(changed.iter().map(|name| SECTIONS.is_at_once(name)).collect::<Vec<_>>(), [true, false, true]);
}

#[test]
fn the_documents_have_every_key_with_its_text_and_default() {
    let file = documents::commented_file(SECTIONS);
    assert!(
        file.contains("\n[cats]\n# Cats at once, at most. One more is sent away.\n# max_cats = 9\n"),
        "{file}"
    );
    assert!(file.contains("# Seconds until a cat is fed.\n# patience_s = 60.0\n"), "of two lines: {file}");
    assert!(file.contains("# names = [\"Tom\", \"Kit\"]\n") && file.ends_with("# id = \"rex\"\n"), "{file}");
    let page = documents::with_tables(
        SECTIONS,
        "# Cats\n| key |\n| `cats.gone` | 1 |\n| `cats.max_cats` | 3 |\n\nMore.\n",
    );
    assert!(
        page.starts_with(
            "# Cats\n| key |\n| `cats.max_cats` | `9` | 1 to 100 | `MAX_CATS` | Cats at once, at most."
        ),
        "{page}"
    );
    assert!(
        page.ends_with("poor or rich. ([more](cats.md#rich)) |\n\nMore.\n") && !page.contains("gone"),
        "{page}"
    );
    let env = documents::env_example(SECTIONS);
    assert!(env.contains("\n# What they are called.\n#SIGHTWIRE_CATS_NAMES=Tom,Kit\n"), "{env}");
}

#[test]
fn a_kind_says_what_values_may_be() {
    let kind = |name| SECTIONS.find_key(name).unwrap().kind;
    assert_eq!(kind("cats.max_cats"), Kind::Int { from: 1, to: 100 });
    assert_eq!(kind("cats.sleep"), Kind::Choice(&["inside", "outside", "nowhere"]));
    let unit = |name| kind(name).unit(name);
    assert_eq!(
        [unit("cats.patience_s"), unit("cats.memory_mb"), unit("cats.max_cats")],
        [Some("s"), Some("MiB"), None]
    );
    let rate = Kind::Int { from: 0, to: 9 };
    assert_eq!((rate.unit("limits.mb_per_s"), rate.unit("limits.requests_per_s")), (Some("MiB/s"), None));
    assert_eq!(Kind::List.unit("cats.names_s"), None);
    let allowed = |name| kind(name).describe_allowed(name);
    assert_eq!(allowed("cats.max_cats").as_deref(), Some("1 to 100"));
    assert!(allowed("cats.patience_s").is_some_and(|text| text.ends_with(" s")));
    assert_eq!(allowed("cats.sleep").as_deref(), Some("inside, outside or nowhere"));
    assert_eq!(Kind::List.describe_allowed("cats.names_s"), None);
}
