//! How long a file may take to be drawn.

use std::time::{Duration, Instant};

use sightwire_frame::still::Undrawn;

/// Of a core, to draw a page: the most that programs write takes a few seconds.
const PAGE_CPU: Duration = Duration::from_secs(30);
/// The same to say which pages there are.
const HEADER_CPU: Duration = Duration::from_secs(10);
/// A child that gets no core for this long is not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// How long a file may take.
#[derive(Clone, Copy, Debug)]
pub enum Patience {
    /// Somebody waits until then.
    Until {
        /// When it is over.
        at: Instant,
        /// How long that was in all, for words.
        of: Duration,
    },
    /// Nobody waits: only work counts, however long it takes until there is a core for it.
    Work,
}

impl Patience {
    /// Ends this time from now.
    pub fn with_limit(of: Duration) -> Self {
        let now = Instant::now();
        Self::Until { at: now.checked_add(of).unwrap_or(now), of }
    }

    /// When it is over, whatever has been done until then.
    pub fn ends_at(&self) -> Instant {
        match self {
            Self::Until { at, .. } => *at,
            Self::Work => Instant::now() + LONGEST_WAIT,
        }
    }

    /// How long it was in all.
    pub fn length(&self) -> Duration {
        match self {
            Self::Until { of, .. } => *of,
            Self::Work => LONGEST_WAIT,
        }
    }

    /// Time of a core for a child.
    pub(crate) fn cpu_limit(&self, is_page: bool) -> Duration {
        let most = if is_page { PAGE_CPU } else { HEADER_CPU };
        most.min(self.length())
    }

    /// What is said of a file that was not drawn in time, of which a child had a core for `worked`.
    pub(crate) fn late_error(&self, worked: Duration) -> Undrawn {
        let of = self.length();
        if worked < of / 2 { Undrawn::Busy { of, worked } } else { Undrawn::Late(of) }
    }
}
