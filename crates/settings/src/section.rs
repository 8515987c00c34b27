//! The macro with which a room declares a section of the configuration and the options that are read from it.

/// Declares a section: a struct of options, and for each of its fields the key that fills it. It is the one place of a key: its
/// name, kind, default and text, whether a change takes effect at once, and how it is read.
///
/// A field is written as `name: Type = key("name", kind, default)`, with the key's text as its comment. `.at_once()`, `.secret()`,
/// `.see(..)` and `.old_names(..)` of [`Key`](crate::Key) may follow; then `=> convert`, a function of what the [kind](mod@crate::kind)
/// reads, or `, parse function`, one that may fail, whose error is the key's.
///
/// After the section's name may stand that of a method that looks at the options as a whole: `"cats", check`. Fields that no key
/// fills follow in `beside { .. }`, and are arguments of `read`.
///
/// ```
/// sightwire_settings::section! {
///     /// How cats are found.
///     #[derive(Debug)]
///     pub struct CatOptions: "cats" {
///         /// Cats at once, at most.
///         pub max_cats: u8 = key("max_cats", Int(0, 100), 9).at_once() => |cats| cats as u8;
///         /// Their names.
///         pub names: Vec<String> = key("names", List, ["Tom"]);
///     }
/// }
///
/// static CATS: sightwire_settings::Section = sightwire_settings::Section::new("cats", CatOptions::KEYS);
/// static SECTIONS: sightwire_settings::Sections = sightwire_settings::Sections::new(&[&CATS]);
/// let layers = sightwire_settings::Layers::defaults(SECTIONS);
/// let options = CatOptions::read(sightwire_settings::Values::new(&layers)).unwrap();
/// assert_eq!((options.max_cats, options.names), (9, vec!["Tom".to_owned()]));
/// ```
#[macro_export]
macro_rules! section {
    (
        $(#[$meta:meta])*
        $vis:vis struct $Options:ident: $section:literal $(, $check:ident)? {
            $(
                $(#[doc = $text:expr])+
                $fvis:vis $field:ident: $Type:ty = key($key:literal, $kind:expr, $default:expr)
                $(. $more:ident ($($arg:expr)?))* $(=> $convert:expr)? $(, parse $parse:expr)?;
            )*
        }
        $(beside {
            $($(#[doc = $other_text:expr])+ $other_vis:vis $other:ident: $Other:ty,)*
        })?
    ) => {
        $(#[$meta])*
        $vis struct $Options {
            $($(#[doc = $text])+ $fvis $field: $Type,)*
            $($($(#[doc = $other_text])+ $other_vis $other: $Other,)*)?
        }

        impl $Options {
            #[doc = concat!("The keys of `", $section, "` that fill them.")]
            pub const KEYS: &'static [$crate::Key] = {
                #[allow(unused_imports)]
                use $crate::kind::*;
                &[$(
                    $crate::Key::new(
                        concat!($section, ".", $key),
                        ($kind).kind(),
                        stringify!($default),
                        concat!($($text),+),
                    )$(.$more($($arg)?))*
                ),*]
            };

            /// As these values say; the first that cannot be used is the error.
            pub fn read(
                values: $crate::Values<'_>,
                $($($other: $Other,)*)?
            ) -> Result<Self, $crate::ConfigError> {
                #[allow(unused_imports)]
                use $crate::kind::*;
                let options = Self {
                    $($field: $crate::section!(@read values, concat!($section, ".", $key), $kind $(, => $convert)? $(, parse $parse)?),)*
                    $($($other,)*)?
                };
                $(options.$check(values)?;)?
                Ok(options)
            }
        }
    };
    (@read $values:ident, $name:expr, $kind:expr) => { $values.read($name, $kind)? };
    (@read $values:ident, $name:expr, $kind:expr, => $convert:expr) => { $crate::values::convert($values.read($name, $kind)?, $convert) };
    (@read $values:ident, $name:expr, $kind:expr, parse $parse:expr) => { $values.parse($name, $kind, $parse)? };
}
