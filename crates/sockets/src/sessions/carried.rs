//! What carries a session now, and whom that belongs to.

use sightwire_listen::asker::{Asker, Belonging, TooMany};

/// The connection of its latest request, or its WebSocket.
#[derive(Debug, Default)]
pub struct Carried {
    by: Option<Belonging>,
    /// As whoever entered has said, perhaps only then.
    for_whom: Option<Asker>,
}

impl Carried {
    /// It is of whoever enters, if that one may have one more connection.
    pub fn belongs_to(&mut self, asker: Option<&Asker>) -> Result<(), TooMany> {
        self.for_whom = asker.cloned();
        self.by.as_ref().map_or(Ok(()), |connection| connection.to(asker))
    }

    /// A request of the session comes over that connection, and says nothing of who has entered.
    pub fn is_by(&mut self, connection: Option<&Belonging>) {
        if let (Some(connection), Some(asker)) = (connection, &self.for_whom) {
            // Who was let in is not sent away by the next request.
            let _ = connection.to(Some(asker));
        }
        self.by = connection.cloned();
    }
}
