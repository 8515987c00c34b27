use sightwire_frame::still::{StillFormat, StillLimits};
use sightwire_documents::answer::{Answer, decode_answer};
use sightwire_documents::patience::Patience;
use sightwire_documents::request::{LENGTH, Request, What};

/// What a process answers that draws hostile files: pages within the limits, pixels of the size that was asked for, words
/// that are short and harm no terminal. Requests are read as they were written.
pub fn drawn_answer(data: &[u8]) {
    let limits = StillLimits { max_bytes: 1 << 20, max_pixels: 1 << 10, max_side: 1 << 10, max_pages: 10 };
    for what in [What::Header, What::Page { page: 0, size: (3, 2) }] {
        let request = Request::new(what, StillFormat::Pdf, 1, &limits, &Patience::Work);
        match decode_answer(data.to_vec(), &request) {
            None => {}
            Some(Answer::Header(pages)) => {
                assert_eq!(what, What::Header);
                assert!(!pages.is_empty() && pages.len() <= data.len());
                assert!(pages.iter().all(|page| page.size.0 >= 1 && page.size.1 >= 1));
            }
            Some(Answer::Page { size, pixels }) => {
                assert_eq!((size, pixels.len()), ((3, 2), 18));
                assert_ne!(what, What::Header);
            }
            Some(Answer::Refused(refusal)) => {
                let said = refusal.into_error(StillFormat::Pdf, &limits).to_string();
                assert!(said.len() < 1200 && !said.contains(char::is_control), "{said:?}");
            }
        }
    }
    if let Some(request) = data.first_chunk::<LENGTH>().and_then(Request::decode) {
        assert_eq!(Request::decode(&request.encode()), Some(request));
    }
}
