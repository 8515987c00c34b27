//! Where the configuration lies when nobody says where, and what came with the program.

use std::fs::File;
use std::path::Path;

/// The configuration of the installed server, used where the working folder has no `sightwire.toml`.
pub const SYSTEM_FILE: &str = "/etc/sightwire/sightwire.toml";

/// The file that is read when none is named: that of the working folder, else the installed server's. Who may not read the
/// latter is not the one who runs that server, and has none.
fn usual_file() -> Option<&'static Path> {
    let here = Path::new("sightwire.toml");
    if here.is_file() {
        return Some(here);
    }
    let system = Path::new(SYSTEM_FILE);
    (system.is_file() && File::open(system).is_ok()).then_some(system)
}

/// The file that counts: the one that is named, else the usual one.
pub fn config_file(named: Option<&Path>) -> Option<&Path> {
    let named = named.filter(|file| !file.as_os_str().is_empty());
    if named.is_some() { named } else { usual_file() }
}

/// For people: that there is a configuration of an installed server, which does not count for them.
pub fn not_yours(file: Option<&Path>) -> Option<String> {
    let system = Path::new(SYSTEM_FILE);
    (file.is_none() && usual_file().is_none() && system.is_file()).then(|| {
        format!(
            "{SYSTEM_FILE} is that of the installed server and does not count for this user, who may not read it; \
             `sudo -u sightwire sightwire …` runs a command as the server's user"
        )
    })
}
