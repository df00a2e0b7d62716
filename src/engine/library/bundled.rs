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

/// The documents of these names in `sops/`.
macro_rules! bundled {
    ($($name:literal),* $(,)?) => {
        [$(BundledSop {
            id: concat!("bundled/", $name, ".md"),
            bytes: include_bytes!(concat!("../../../sops/", $name, ".md")),
        }),*]
    };
}

/// All of them, ordered by identifier.
pub(super) const BUNDLED: [BundledSop; 22] = bundled![
    "alertmanager-not-notifying",
    "certificate-expiring",
    "clock-skew",
    "disk-full",
    "dns-failing",
    "high-load",
    "http-5xx-rate",
    "image-pull-failing",
    "kafka-consumer-lag",
    "memory-pressure",
    "network-packet-loss",
    "node-not-ready",
    "pod-crash-looping",
    "pods-pending",
    "postgres-connections-exhausted",
    "postgres-long-transactions",
    "postgres-replication-lag",
    "prometheus-target-down",
    "pvc-filling-up",
    "redis-memory",
    "systemd-unit-failed",
    "worker-crash-loop",
];
