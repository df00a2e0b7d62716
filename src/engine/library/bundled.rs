//! The documents that are part of the program.
//!
//! Owns: the table of them. Their bytes are in the binary, so that the console has procedures without any installation.

/// A document in the binary.
pub(super) struct BundledSop {
    /// Its identifier.
    pub(super) id: &'static str,
    /// Its bytes.
    pub(super) bytes: &'static [u8],
}

/// All of them, ordered by identifier.
pub(super) const BUNDLED: [BundledSop; 5] = [
    BundledSop {
        id: "bundled/certificate-expiring.md",
        bytes: include_bytes!("../../../sops/certificate-expiring.md"),
    },
    BundledSop { id: "bundled/disk-full.md", bytes: include_bytes!("../../../sops/disk-full.md") },
    BundledSop { id: "bundled/http-5xx-rate.md", bytes: include_bytes!("../../../sops/http-5xx-rate.md") },
    BundledSop {
        id: "bundled/prometheus-target-down.md",
        bytes: include_bytes!("../../../sops/prometheus-target-down.md"),
    },
    BundledSop { id: "bundled/worker-crash-loop.md", bytes: include_bytes!("../../../sops/worker-crash-loop.md") },
];
