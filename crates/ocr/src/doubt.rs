//! Whether what was read of a picture can be what stands there: a model that does not know a script gives nonsense in
//! letters that it knows, and one that lacks letters of a language gives others in their place.
//!
//! Measured on pages in twelve scripts and languages that `ppocr-v4` does not know, and on others: docs/accuracy.md.

use whatlang::Lang;

use crate::ctc::{Alphabet, Text};

/// Letters of a page that is in a script of the model's are at least this sure on average; of fewer than this many letters, this sure.
const SURE: f64 = 0.88;
const FEW: f64 = 10.0;
const SURE_IF_FEW: f64 = 0.8;
/// A line with fewer letters than this for each of its heights lacks some.
const FEWEST: f64 = 0.5;
/// A line that lacks letters lacks them up to this many for each of its heights; those it lacks count as not sure at all.
const USUAL: f64 = 0.8;
/// Letters of a page that is in a script of the model's are at least this sure on average where in at least this share of
/// its words a capital follows a small letter (Cyrillic and Greek read as Latin).
const SURE_IF_ODD: f64 = 0.96;
const ODD: f64 = 0.4;
/// Fewer words do not say how odd they are.
const WORDS: i32 = 4;
/// This many lines without a letter say something, if there are no others.
const BLANK: usize = 2;
/// Numbers look alike in all scripts: those that are read as surely as this are not a sign of any.
const SURE_NUMBER: f32 = 0.9;
/// Fewer letters do not tell which language it is.
const LETTERS_OF_LANGUAGE: usize = 60;

/// Why the text of a picture may not be what stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Doubt {
    /// It reads as only what is in a script that the model does not know, or hardly legible.
    Script,
    /// It is in a language of whose letters the model lacks some.
    Letters(Language),
}

/// A language that has letters of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Language {
    /// In English: `German`.
    pub name: &'static str,
    /// The letters that other languages lack, small.
    pub letters: &'static str,
}

/// Languages in Latin letters that have others beside `a` to `z`. Of French, Italian and Portuguese what is frequent.
const LANGUAGES: [(Lang, &str, &str); 22] = [
    (Lang::Aze, "Azerbaijani", "əğıöşüç"),
    (Lang::Cat, "Catalan", "àçèéíïòóúü"),
    (Lang::Ces, "Czech", "áčďéěíňóřšťúůýž"),
    (Lang::Dan, "Danish", "æøå"),
    (Lang::Deu, "German", "äöüß"),
    (Lang::Est, "Estonian", "äõöü"),
    (Lang::Fin, "Finnish", "äö"),
    (Lang::Fra, "French", "àâçèéêëîïôùûœ"),
    (Lang::Hrv, "Croatian", "čćđšž"),
    (Lang::Hun, "Hungarian", "áéíóöőúüű"),
    (Lang::Ita, "Italian", "àèéìòù"),
    (Lang::Lav, "Latvian", "āčēģīķļņšūž"),
    (Lang::Lit, "Lithuanian", "ąčęėįšųūž"),
    (Lang::Nob, "Norwegian", "æøå"),
    (Lang::Pol, "Polish", "ąćęłńóśźż"),
    (Lang::Por, "Portuguese", "áâãàçéêíóôõú"),
    (Lang::Ron, "Romanian", "ăâîșț"),
    (Lang::Slk, "Slovak", "áäčďéíĺľňóôŕšťúýž"),
    (Lang::Spa, "Spanish", "áéíñóúü"),
    (Lang::Swe, "Swedish", "åäö"),
    (Lang::Tur, "Turkish", "çğıöşü"),
    (Lang::Vie, "Vietnamese", "ăâđêôơưạảấầậếềệốồộớờợ"),
];

/// What is doubtful about the lines of a picture, those that are left out of its text included: each with how many times as
/// long as high it is.
pub(super) fn find_doubt(lines: &[(&Text, f32)], alphabet: &Alphabet) -> Option<Doubt> {
    if has_unknown_script(lines) {
        return Some(Doubt::Script);
    }
    let text: String = lines.iter().flat_map(|(line, _)| [&*line.text, "\n"]).collect();
    if text.chars().filter(|character| character.is_alphabetic()).count() < LETTERS_OF_LANGUAGE {
        return None;
    }
    let found = whatlang::detect(&text).filter(whatlang::Info::is_reliable)?;
    let (_, name, letters) = LANGUAGES.into_iter().find(|(lang, ..)| *lang == found.lang())?;
    let lacks = letters.chars().any(|letter| !alphabet.has_letter(letter));
    lacks.then_some(Doubt::Letters(Language { name, letters }))
}

fn has_unknown_script(lines: &[(&Text, f32)]) -> bool {
    let (mut letters, mut sum, mut words, mut odd) = (0.0, 0.0, 0_i32, 0_i32);
    let (blank, lines): (Vec<_>, Vec<_>) = lines.iter().partition(|(line, _)| line.text.trim().is_empty());
    for (line, times) in &lines {
        let (there, heights) = (line.text.replace(' ', "").chars().count() as f64, f64::from(*times));
        if there < FEWEST * heights {
            letters += USUAL * heights - there;
        }
        let mut rest = &line.characters[..];
        for word in line.text.split(' ') {
            let (sure, after) = rest.split_at(word.chars().count().min(rest.len()));
            rest = after.get(1..).unwrap_or_default();
            let of_letters = word.chars().filter(|character| character.is_alphabetic()).count();
            let mean = sure.iter().sum::<f32>() / sure.len().max(1) as f32;
            if of_letters == 0 && mean >= SURE_NUMBER {
                continue;
            }
            letters += sure.len() as f64;
            sum += sure.iter().map(|&sure| f64::from(sure)).sum::<f64>();
            if of_letters > 1 {
                words += 1;
                odd += i32::from(has_capital_within(word));
            }
        }
    }
    if lines.is_empty() {
        return blank.len() >= BLANK;
    }
    let mean = sum / letters;
    let is_odd = words >= WORDS && f64::from(odd) >= ODD * f64::from(words);
    // Where there is nothing but numbers there is no mean.
    mean < if letters < FEW { SURE_IF_FEW } else { SURE } || (is_odd && mean < SURE_IF_ODD)
}

/// Whether a capital follows a small letter somewhere in a word.
fn has_capital_within(word: &str) -> bool {
    let pairs = word.chars().zip(word.chars().skip(1));
    pairs.into_iter().any(|(before, after)| before.is_lowercase() && after.is_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, sure: f32) -> Text {
        let characters = vec![sure; text.chars().count()];
        Text { text: text.to_owned(), characters, ..Text::default() }
    }

    fn alphabet(letters: &str) -> Alphabet {
        let characters = letters.chars().map(String::from);
        Alphabet::new(std::iter::once(String::new()).chain(characters).collect())
    }

    /// Two letters for each of their heights.
    fn of_usual_length(lines: &[Text]) -> Vec<(&Text, f32)> {
        lines.iter().map(|line| (line, line.characters.len() as f32 / 2.0)).collect()
    }

    fn doubt(lines: &[Text]) -> Option<Doubt> {
        find_doubt(&of_usual_length(lines), &alphabet("abcdefghijklmnopqrstuvwxyzèé"))
    }

    #[test]
    fn nonsense_is_told_from_text_by_how_sure_it_is() {
        assert_eq!(
            doubt(&[line("Cloli Kl Sl ou el gl", 0.68), line("bgeel yeell mivg", 0.7)]),
            Some(Doubt::Script)
        );
        assert_eq!(doubt(&[line("The quick brown fox jumps over", 0.97)]), None);
        // What is sure of numbers is sure of any script's numbers.
        let numbers = line("12.10.2024 1775.00 3,412 80%", 0.99);
        assert_eq!(
            doubt(&[numbers.clone(), numbers.clone(), line("ue gisus aigeins", 0.55)]),
            Some(Doubt::Script)
        );
        assert_eq!(doubt(&[numbers]), None);
        assert_eq!(doubt(&[line("Kl Sl", 0.85)]), None, "too little to be strict");
        assert_eq!(doubt(&[line("Kl Sl", 0.7)]), Some(Doubt::Script));
        assert_eq!(doubt(&[]), None);
    }

    #[test]
    fn lines_with_hardly_a_letter_are_not_read() {
        let (alphabet, sure, blank) = (alphabet("abc"), line("The cat", 0.99), line("", 0.0));
        assert_eq!(find_doubt(&[(&sure, 4.0); 3], &alphabet), None);
        assert_eq!(
            find_doubt(&[(&sure, 20.0); 3], &alphabet),
            Some(Doubt::Script),
            "as long as forty letters"
        );
        assert_eq!(find_doubt(&[(&blank, 20.0); 3], &alphabet), Some(Doubt::Script));
        assert_eq!(find_doubt(&[(&blank, 20.0)], &alphabet), None, "a stain");
        assert_eq!(
            find_doubt(&[(&blank, 9.0), (&sure, 4.0), (&blank, 9.0)], &alphabet),
            None,
            "stains beside text"
        );
    }

    #[test]
    fn capitals_within_words_tell_cyrillic_read_as_latin() {
        let russian = ["npeMbepa rOCHOuN", "CJIaTb pyccKoM HaMH"];
        assert_eq!(doubt(&russian.map(|text| line(text, 0.9))), Some(Doubt::Script));
        // Names in programs are so, too, and sure.
        assert_eq!(doubt(&[line("getElementById addEventListener toString isEmpty", 0.99)]), None);
    }

    #[test]
    fn a_language_is_named_whose_letters_the_model_lacks() {
        let german = [
            "Die Wurde des Menschen ist unantastbar. Sie zu achten und zu schutzen",
            "ist Verpflichtung aller staatlichen Gewalt. Das deutsche Volk bekennt sich darum",
        ];
        let found = doubt(&german.map(|text| line(text, 0.98)));
        assert!(matches!(found, Some(Doubt::Letters(Language { name: "German", .. }))), "{found:?}");
        let knows = alphabet("abcdefghijklmnopqrstuvwxyzäöüß");
        assert_eq!(find_doubt(&of_usual_length(&german.map(|text| line(text, 0.98))), &knows), None);
        let english = line(
            "All human beings are born free and equal in dignity and rights. They are endowed with reason",
            0.98,
        );
        assert_eq!(doubt(&[english]), None);
    }
}
