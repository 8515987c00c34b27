//! What this machine's CPU is, and whether it can do all that it announces.
//!
//! Some virtual machines announce AMX (arithmetic on tiles) and hide the leaf of CPUID that says how large a tile is.
//! oneDNN, the library inside of OpenVINO, then loads an empty tile configuration, and its first instruction on a tile ends
//! the process with SIGILL: at bf16 and int8. Read here before anything is loaded, so that the library can be told not to
//! use tiles (see [`Cpu::cap_variable`]).

use std::ffi::OsString;
use std::sync::LazyLock;

/// oneDNN takes from the environment which instructions it may use at most; the second is its older name.
const CAP_VARIABLES: [&str; 2] = ["ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"];
/// All that it knows short of tiles.
const CAP: &str = "AVX512_CORE_FP16";
/// `off`: AMX is taken for one that cannot be used.
const AMX_VARIABLE: &str = "SIGHTWIRE_AMX";

/// Whether AMX, the CPU's matrix unit, can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tiles {
    /// The CPU does not announce it.
    Absent,
    /// Announced, with the sizes of tiles.
    Usable,
    /// Announced, but nobody can tell how large a tile is.
    Unusable,
    /// Not to be used, whatever is announced: `SIGHTWIRE_AMX=off`.
    Off,
}

/// For people: what this machine's CPU announces and cannot do.
pub fn cpu_warning() -> Option<String> {
    Cpu::this_machine().warning(|name| std::env::var_os(name))
}

impl Tiles {
    /// Whether the library has to be told not to use them.
    fn must_be_spared(self) -> bool {
        matches!(self, Self::Unusable | Self::Off)
    }
}

/// The CPU as this process sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// For people: brand, family, model, stepping.
    pub name: String,
    /// Extensions that decide how networks are run, space-separated.
    pub extensions: String,
    /// Whether AMX can be used.
    pub tiles: Tiles,
    /// It calculates with bf16 by itself.
    pub bf16: bool,
}

impl Cpu {
    /// Of this machine, with what the environment says of AMX; read once.
    pub fn this_machine() -> &'static Self {
        static HERE: LazyLock<Cpu> = LazyLock::new(|| {
            let off = std::env::var(AMX_VARIABLE).is_ok_and(|value| value.eq_ignore_ascii_case("off"));
            let mut cpu = native();
            if off {
                cpu.tiles = Tiles::Off;
            }
            cpu
        });
        &HERE
    }

    /// The variable to set before the library is loaded, and its value: `None` where tiles are not a danger, and where
    /// somebody has set it already. A process cannot set it for itself (threads may read the environment), so `sightwire`
    /// starts itself anew with it.
    pub fn cap_variable(
        &self,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Option<(&'static str, &'static str)> {
        let is_set = CAP_VARIABLES.iter().any(|name| variable(name).is_some_and(|value| !value.is_empty()));
        (self.tiles.must_be_spared() && !is_set).then_some((CAP_VARIABLES[0], CAP))
    }

    /// Whether the library, loaded into this process, keeps off tiles that cannot be used.
    pub fn tiles_are_safe(&self, variable: impl Fn(&str) -> Option<OsString>) -> bool {
        !self.tiles.must_be_spared() || user_cap(variable).is_some_and(|cap| spares_tiles(&cap))
    }

    /// For people: why the instruction set is capped, if it is.
    pub fn warning(&self, variable: impl Fn(&str) -> Option<OsString>) -> Option<String> {
        let why = match self.tiles {
            Tiles::Absent | Tiles::Usable => return None,
            Tiles::Unusable => {
                "this CPU announces AMX but does not say how large its tiles are, as on some virtual machines"
            }
            Tiles::Off => "AMX is switched off (SIGHTWIRE_AMX=off)",
        };
        Some(match user_cap(variable) {
            Some(cap) if spares_tiles(&cap) => {
                format!("{why}: networks run without AMX (ONEDNN_MAX_CPU_ISA={cap})")
            }
            Some(cap) => format!(
                "{why}, and ONEDNN_MAX_CPU_ISA={cap} does not rule it out: networks run at f32 alone; unset it, or set it to {CAP}"
            ),
            None => format!("{why}: networks run at f32 alone"),
        })
    }

    /// What decides how fast a network runs, and whether: the CPU, and what the library may use of it.
    pub fn identity(&self, variable: impl Fn(&str) -> Option<OsString>) -> String {
        let cap = user_cap(variable).map(|cap| format!("; at most {cap}")).unwrap_or_default();
        format!("{} ({}{cap})", self.name, self.extensions)
    }
}

/// What the library may use at most, if somebody has said so.
fn user_cap(variable: impl Fn(&str) -> Option<OsString>) -> Option<String> {
    let value = CAP_VARIABLES.iter().find_map(|name| variable(name).filter(|value| !value.is_empty()))?;
    Some(value.to_string_lossy().to_uppercase())
}

/// Whether oneDNN does without tiles under that cap. Names that it does not know count as none for it.
fn spares_tiles(cap: &str) -> bool {
    const KNOWN: [&str; 11] = [
        "SSE41",
        "AVX",
        "AVX2",
        "AVX2_VNNI",
        "AVX2_VNNI_2",
        "AVX512_CORE",
        "AVX512_CORE_VNNI",
        "AVX512_CORE_BF16",
        "AVX512_CORE_FP16",
        "AVX10_1_512",
        "AVX10_2",
    ];
    KNOWN.contains(&cap)
}

#[cfg(target_arch = "x86_64")]
fn native() -> Cpu {
    let mut cpu = x86::read_cpuid(raw_cpuid::native_cpuid::cpuid_count);
    // The operating system has to save its registers, too.
    cpu.bf16 = std::arch::is_x86_feature_detected!("avx512bf16");
    cpu
}

#[cfg(not(target_arch = "x86_64"))]
fn native() -> Cpu {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':')).map_or("?", |(_, value)| value.trim()).to_owned()
    };
    Cpu {
        name: format!(
            "{} implementer {} part {} revision {}",
            std::env::consts::ARCH,
            field("CPU implementer"),
            field("CPU part"),
            field("CPU revision")
        ),
        extensions: field("Features"),
        tiles: Tiles::Absent,
        bf16: false,
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use raw_cpuid::{CpuId, CpuIdResult};

    use super::{Cpu, Tiles};

    /// Sizes of tiles, by palette; the first palette describes the set itself.
    const TILE_LEAF: u32 = 0x1D;

    pub(super) fn read_cpuid(cpuid: impl Fn(u32, u32) -> CpuIdResult + Clone) -> Cpu {
        let id = CpuId::with_cpuid_reader(cpuid.clone());
        let brand = id.get_processor_brand_string();
        let vendor = id.get_vendor_info();
        let model = id.get_feature_info();
        let numbers = model.as_ref().map(|model| {
            let (family, number, stepping) = (model.family_id(), model.model_id(), model.stepping_id());
            format!("family {family} model {number} stepping {stepping}")
        });
        let brand =
            brand.as_ref().map(|brand| brand.as_str().trim().to_owned()).filter(|name| !name.is_empty());
        let vendor = vendor.as_ref().map(|vendor| vendor.as_str().to_owned());
        let extended = id.get_extended_feature_info();
        let has = |ask: fn(&raw_cpuid::ExtendedFeatures) -> bool| extended.as_ref().is_some_and(ask);
        let extensions = [
            ("avx2", has(raw_cpuid::ExtendedFeatures::has_avx2)),
            ("avx_vnni", has(raw_cpuid::ExtendedFeatures::has_avx_vnni)),
            ("avx512", has(raw_cpuid::ExtendedFeatures::has_avx512f)),
            ("avx512_vnni", has(raw_cpuid::ExtendedFeatures::has_avx512vnni)),
            ("avx512_bf16", has(raw_cpuid::ExtendedFeatures::has_avx512_bf16)),
            ("avx512_fp16", has(raw_cpuid::ExtendedFeatures::has_avx512_fp16)),
            ("amx_bf16", has(raw_cpuid::ExtendedFeatures::has_amx_bf16)),
            ("amx_int8", has(raw_cpuid::ExtendedFeatures::has_amx_int8)),
        ];
        let announced = has(raw_cpuid::ExtendedFeatures::has_amx_tile)
            || has(raw_cpuid::ExtendedFeatures::has_amx_bf16)
            || has(raw_cpuid::ExtendedFeatures::has_amx_int8);
        let tiles = match (announced, has_sizes(&cpuid)) {
            (false, _) => Tiles::Absent,
            (true, true) => Tiles::Usable,
            (true, false) => Tiles::Unusable,
        };
        let extensions: Vec<&str> =
            extensions.into_iter().filter(|(_, is)| *is).map(|(name, _)| name).collect();
        let name =
            [brand.or(vendor).unwrap_or_else(|| "x86_64".into()), numbers.unwrap_or_default()].join(", ");
        Cpu { name, bf16: extensions.contains(&"avx512_bf16"), extensions: extensions.join(" "), tiles }
    }

    /// Whether CPUID has the first palette of tiles. A leaf above the highest one answers with something else, so that one
    /// is asked for first.
    fn has_sizes(cpuid: &impl Fn(u32, u32) -> CpuIdResult) -> bool {
        let highest = cpuid(0, 0).eax;
        if highest < TILE_LEAF || cpuid(TILE_LEAF, 0).eax == 0 {
            return false;
        }
        let palette = cpuid(TILE_LEAF, 1);
        let (bytes_per_row, names, rows) = (palette.ebx & 0xffff, palette.ebx >> 16, palette.ecx & 0xffff);
        bytes_per_row > 0 && names > 0 && rows > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> Option<OsString> {
        None
    }

    fn set(value: &'static str) -> impl Fn(&str) -> Option<OsString> {
        move |name| (name == "ONEDNN_MAX_CPU_ISA").then(|| value.into())
    }

    #[cfg(target_arch = "x86_64")]
    mod cpuid {
        use raw_cpuid::CpuIdResult;

        use super::super::{Cpu, Tiles, x86};

        const AMX: u32 = 1 << 22 | 1 << 24 | 1 << 25;

        /// An Emerald Rapids: family 6, model 207, with AMX, as a virtual machine shows it.
        fn sapphire(highest: u32, amx: u32, palettes: u32, palette: [u32; 2]) -> Cpu {
            x86::read_cpuid(move |leaf, sub| {
                let mut out = CpuIdResult { eax: 0, ebx: 0, ecx: 0, edx: 0 };
                match (leaf, sub) {
                    (0, _) => {
                        (out.eax, out.ebx) = (highest, u32::from_le_bytes(*b"Genu"));
                        (out.edx, out.ecx) = (u32::from_le_bytes(*b"ineI"), u32::from_le_bytes(*b"ntel"));
                    }
                    (1, _) => out.eax = 0x000c_06f2,
                    (7, 0) => (out.eax, out.ebx, out.edx) = (2, 1 << 5 | 1 << 16, amx | 1 << 23),
                    (7, 1) => out.eax = 1 << 4 | 1 << 5,
                    (0x1D, 0) => out.eax = palettes,
                    (0x1D, 1) => [out.ebx, out.ecx] = palette,
                    // As Intel's do for what is above the highest leaf: the answer of that one.
                    (leaf, _) if leaf > highest => (out.eax, out.ebx, out.ecx) = (1, 0x0008_0040, 16),
                    _ => {}
                }
                out
            })
        }

        #[test]
        fn tiles_whose_sizes_are_hidden_cannot_be_used() {
            let whole = sapphire(0x20, AMX, 1, [0x0008_0040, 16]);
            assert_eq!(whole.tiles, Tiles::Usable);
            assert!(whole.name.contains("family 6 model 207 stepping 2"), "{}", whole.name);
            assert_eq!(whole.extensions, "avx2 avx_vnni avx512 avx512_bf16 avx512_fp16 amx_bf16 amx_int8");
            // As it was seen: the highest leaf is 0x1C.
            assert_eq!(sapphire(0x1C, AMX, 1, [0x0008_0040, 16]).tiles, Tiles::Unusable);
            // The leaf is there, and empty.
            assert_eq!(sapphire(0x20, AMX, 0, [0x0008_0040, 16]).tiles, Tiles::Unusable);
            assert_eq!(sapphire(0x20, AMX, 1, [0, 0]).tiles, Tiles::Unusable);
            assert_eq!(sapphire(0x1C, 0, 0, [0, 0]).tiles, Tiles::Absent);
        }
    }

    fn cpu(tiles: Tiles) -> Cpu {
        Cpu { name: "a CPU".into(), extensions: "avx512_bf16 amx_bf16".into(), tiles, bf16: true }
    }

    #[test]
    fn the_instruction_set_is_capped_where_tiles_cannot_be_used_and_nowhere_else() {
        assert_eq!(cpu(Tiles::Unusable).cap_variable(none), Some(("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_FP16")));
        assert_eq!(cpu(Tiles::Unusable).cap_variable(set("AVX2")), None, "whoever set it is obeyed");
        assert_eq!(
            cpu(Tiles::Unusable).cap_variable(|n| (n == "DNNL_MAX_CPU_ISA").then(|| "AVX2".into())),
            None
        );
        assert!(cpu(Tiles::Unusable).cap_variable(set("")).is_some(), "an empty variable counts as not set");
        assert!(cpu(Tiles::Off).cap_variable(none).is_some());
        assert_eq!(cpu(Tiles::Usable).cap_variable(none), None);
        assert_eq!(cpu(Tiles::Absent).cap_variable(none), None);
    }

    #[test]
    fn tiles_that_cannot_be_used_are_safe_only_under_a_cap_that_spares_them() {
        let broken = cpu(Tiles::Unusable);
        assert!(!broken.tiles_are_safe(none));
        assert!(!broken.tiles_are_safe(set("ALL")) && !broken.tiles_are_safe(set("avx512_core_amx")));
        assert!(!broken.tiles_are_safe(set("nonsense")), "oneDNN takes all then");
        assert!(broken.tiles_are_safe(set("avx512_core_fp16")));
        assert!(cpu(Tiles::Usable).tiles_are_safe(none) && cpu(Tiles::Absent).tiles_are_safe(none));
    }

    #[test]
    fn the_warning_says_what_became_of_it_and_the_cap_is_part_of_the_identity() {
        let broken = cpu(Tiles::Unusable);
        assert!(broken.warning(set("AVX512_CORE_FP16")).unwrap().contains("without AMX"));
        assert!(broken.warning(set("ALL")).unwrap().contains("unset it"));
        assert!(broken.warning(none).unwrap().contains("f32 alone"));
        assert!(cpu(Tiles::Off).warning(set("AVX2")).unwrap().contains("SIGHTWIRE_AMX"));
        assert_eq!(cpu(Tiles::Usable).warning(none), None);
        assert_ne!(broken.identity(none), broken.identity(set("AVX2")));
    }

    #[test]
    fn this_machine_has_a_name() {
        let here = Cpu::this_machine();
        assert!(!here.name.is_empty());
        println!(
            "{}; tiles {:?}; bf16 {}",
            here.identity(|name| std::env::var_os(name)),
            here.tiles,
            here.bf16
        );
    }
}
