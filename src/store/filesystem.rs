//! Which file systems a database must not lie on.
//!
//! Owns: recognising network file systems, where WAL (shared memory between processes) loses data; how much room is left.
//! Does not: open anything but `/proc/self/mountinfo`.

use std::fs;
use std::io;
use std::path::Path;

use nix::sys::statfs::statfs;
use nix::sys::statvfs::statvfs;

/// Magic numbers of network and cluster file systems, from `linux/magic.h` and statfs(2).
const NETWORK: &[(i64, &str)] = &[
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "kAFS"),
    (0x7375_7245, "Coda"),
    (0x564c, "NCP"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x0116_1970, "GFS2"),
    (0x7461_636f, "OCFS2"),
    (0x1983_0326, "BeeGFS"),
];

/// FUSE hides what is behind it; the mount table names it.
const FUSE: i64 = 0x6573_5546;

/// FUSE file systems (as `fuse.NAME` in the mount table) whose files lie on another machine.
const FUSE_NETWORK: &[&str] = &[
    "sshfs",
    "s3fs",
    "rclone",
    "gcsfuse",
    "glusterfs",
    "ceph",
    "davfs",
    "davfs2",
    "curlftpfs",
    "goofys",
    "smbnetfs",
    "juicefs",
    "seaweedfs",
    "moosefs",
];

/// The kind of network file system that `directory` lies on; `None` on a local one.
///
/// # Errors
/// When the operating system does not answer.
pub(super) fn network_kind(directory: &Path) -> io::Result<Option<String>> {
    let directory = directory.canonicalize()?;
    let magic = statfs(&directory).map_err(io::Error::from)?.filesystem_type().0;
    #[allow(clippy::unnecessary_cast, reason = "the width of the number differs between platforms")]
    let magic = magic as i64;
    Ok(kind_of(magic, &directory, || fs::read_to_string("/proc/self/mountinfo").unwrap_or_default()))
}

/// The kind of network file system with this magic number, as statfs(2) gives it for `directory`; `table` is the mount table,
/// which is read for FUSE only.
fn kind_of(magic: i64, directory: &Path, table: impl FnOnce() -> String) -> Option<String> {
    // The number has 32 bits; where it is signed, some of them arrive negative.
    let magic = magic & 0xffff_ffff;
    if magic != FUSE {
        return NETWORK.iter().find(|(known, _)| *known == magic).map(|(_, name)| (*name).to_owned());
    }
    mounted_type(&table(), directory).filter(|kind| is_network_fuse(kind))
}

/// Bytes that this user may still write to the file system of `directory`.
///
/// # Errors
/// When the operating system does not answer.
pub(super) fn room(directory: &Path) -> io::Result<u64> {
    let found = statvfs(directory).map_err(io::Error::from)?;
    #[allow(clippy::unnecessary_cast, reason = "the width of the number differs between platforms")]
    let (blocks, size) = (found.blocks_available() as u64, found.fragment_size() as u64);
    Ok(blocks.saturating_mul(size))
}

/// The file system type of the mount that holds `directory`, from the text of `/proc/self/mountinfo` (proc(5)).
fn mounted_type(table: &str, directory: &Path) -> Option<String> {
    let mut best: Option<(usize, String)> = None;
    for line in table.lines() {
        let Some((before, after)) = line.split_once(" - ") else { continue };
        let (Some(mount_point), Some(kind)) = (before.split(' ').nth(4), after.split(' ').next()) else { continue };
        let mount_point = unescape(mount_point);
        let depth = Path::new(&mount_point).components().count();
        // A later line mounts over an earlier one of the same depth.
        if directory.starts_with(&mount_point) && best.as_ref().is_none_or(|(deepest, _)| depth >= *deepest) {
            best = Some((depth, kind.to_owned()));
        }
    }
    best.map(|(_, kind)| kind)
}

/// Undoes the octal escapes of the mount table for the four characters that it escapes.
fn unescape(text: &str) -> String {
    text.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

fn is_network_fuse(kind: &str) -> bool {
    kind.strip_prefix("fuse.").is_some_and(|name| FUSE_NETWORK.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:40 / /home/ada/remote\\040box rw,nosuid - fuse.sshfs ada@box:/ rw,user_id=1000
41 22 0:41 / /home/ada/usb rw - fuseblk /dev/sdb1 rw
42 40 0:42 / /home/ada/remote\\040box/local rw - tmpfs tmpfs rw
";

    #[test]
    fn the_deepest_mount_point_counts() {
        let kind = |path: &str| mounted_type(TABLE, Path::new(path)).unwrap();
        assert_eq!(kind("/var/lib"), "ext4");
        assert_eq!(kind("/home/ada/remote box/data"), "fuse.sshfs");
        assert_eq!(kind("/home/ada/remote box/local/x"), "tmpfs");
        assert_eq!(kind("/home/ada/remote boxes"), "ext4");
        assert_eq!(kind("/home/ada/usb/x"), "fuseblk");
        assert_eq!(mounted_type("", Path::new("/")), None);
    }

    #[test]
    fn only_fuse_over_a_network_is_refused() {
        assert!(is_network_fuse("fuse.sshfs"));
        assert!(!is_network_fuse("fuseblk") && !is_network_fuse("fuse.gocryptfs") && !is_network_fuse("sshfs"));
    }

    #[test]
    fn every_network_file_system_is_told_by_its_number() {
        let nowhere = || -> String { panic!("the mount table is not needed") };
        for (magic, name) in NETWORK {
            assert_eq!(kind_of(*magic, Path::new("/srv"), nowhere).as_deref(), Some(*name), "{magic:x}");
            // As a signed number of 32 bits.
            let negative = (*magic << 32) >> 32;
            assert_eq!(kind_of(negative, Path::new("/srv"), nowhere).as_deref(), Some(*name), "{negative}");
        }
        // ext4, XFS, Btrfs, tmpfs, overlayfs, ZFS.
        for local in [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0x2fc1_2fc1] {
            assert_eq!(kind_of(local, Path::new("/srv"), nowhere), None, "{local:x}");
        }
    }

    #[test]
    fn behind_fuse_the_mount_table_tells() {
        let kind = |path: &str| kind_of(FUSE, Path::new(path), || TABLE.to_owned());
        assert_eq!(kind("/home/ada/remote box/data").as_deref(), Some("fuse.sshfs"));
        assert_eq!(kind("/home/ada/usb/x"), None);
        assert_eq!(kind_of(FUSE, Path::new("/srv"), String::new), None);
    }

    #[test]
    fn the_process_table_is_local() {
        assert_eq!(network_kind(Path::new("/proc")).unwrap(), None);
        assert!(network_kind(Path::new("/does/not/exist")).is_err());
    }
}
