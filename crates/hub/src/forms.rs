//! The forms in which something goes out to many: each is built once, for the first who asks. Which forms there are is known
//! only to those who send them.

use std::any::TypeId;
use std::sync::OnceLock;

use bytes::Bytes;

/// What was built so far.
#[derive(Debug, Default)]
pub struct Forms(OnceLock<Box<Built>>);

#[derive(Debug)]
struct Built {
    form: TypeId,
    bytes: OnceLock<Bytes>,
    next: Forms,
}

impl Forms {
    /// The form `F`, a type that stands for it.
    pub fn get<F: 'static>(&self, build: impl FnOnce() -> Bytes) -> &Bytes {
        let mut forms = self;
        loop {
            let built = forms.0.get_or_init(|| {
                Box::new(Built { form: TypeId::of::<F>(), bytes: OnceLock::new(), next: Self::default() })
            });
            if built.form == TypeId::of::<F>() {
                return built.bytes.get_or_init(build);
            }
            forms = &built.next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_built_once_and_is_no_other_form() {
        struct Loud;
        struct Quiet;
        struct Empty;
        let forms = Forms::default();
        assert_eq!(forms.get::<Loud>(|| Bytes::from_static(b"LOUD")).as_ref(), b"LOUD");
        assert_eq!(forms.get::<Quiet>(|| Bytes::from_static(b"quiet")).as_ref(), b"quiet");
        assert_eq!(forms.get::<Empty>(Bytes::new).as_ref(), b"");
        assert_eq!(forms.get::<Quiet>(|| unreachable!("it is there already")).as_ref(), b"quiet");
        assert_eq!(forms.get::<Loud>(|| unreachable!("it is there already")).as_ref(), b"LOUD");
    }
}
