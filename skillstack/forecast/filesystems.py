"""On what a folder lies: a disk of this machine, a network, memory, or a folder that is synchronised."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

#: File systems of other machines, as mount tables name them.
NETWORK = {
    "nfs", "nfs3", "nfs4", "cifs", "smb2", "smb3", "smbfs", "9p", "drvfs", "afs", "afpfs", "webdav", "davfs",
    "ceph", "glusterfs", "lustre", "beegfs", "gpfs", "ncpfs", "virtiofs",
}  # fmt: skip
MEMORY = {"tmpfs", "ramfs"}
#: Programs of this machine that look like `fuse.` and are none of the network.
_LOCAL_FUSE = {"fuse.fuse-overlayfs", "fuse.overlayfs", "fuse.lxcfs", "fuse.ntfs-3g", "fuse.exfat"}
#: How folders are called that a program copies to other machines whenever a file changes.
_SYNCED = re.compile(
    r"dropbox( \(.*\))?|onedrive( ?-.*)?|google ?drive(-.*)?|my drive|icloud ?drive|mobile documents"
    r"|cloudstorage|nextcloud|owncloud|pclouddrive|box sync|mega(sync)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Mount:
    """A line of the table of mounts.

    :ivar folder: where it is mounted.
    :ivar kind: the file system's name.
    :ivar remote: whether the system itself says that it is another machine's.
    """

    folder: Path
    kind: str
    remote: bool = False

    @property
    def is_network(self) -> bool:
        """Whether other machines, or a program in between, answer for its files."""
        kind = self.kind.lower()
        return self.remote or kind in NETWORK or (kind.startswith("fuse.") and kind not in _LOCAL_FUSE)

    @property
    def is_memory(self) -> bool:
        """Whether its files are gone when the machine is."""
        return self.kind.lower() in MEMORY


def mounts() -> tuple[Mount, ...]:
    """What this system says is mounted; nothing where it does not say."""
    try:
        import psutil

        found = psutil.disk_partitions(all=True)
    except (ImportError, OSError, RuntimeError):
        return ()
    return tuple(
        Mount(Path(entry.mountpoint), entry.fstype, "remote" in entry.opts.split(",")) for entry in found
    )


def mount_of(folder: Path, table: Sequence[Mount]) -> Mount | None:
    """The mount that a folder lies on: of those above it the deepest, and of these the latest."""
    above = [mount for mount in table if folder.is_relative_to(mount.folder)]
    return max(reversed(above), key=lambda mount: len(mount.folder.parts), default=None)


def synced_by(folder: PurePath) -> str:
    """The part of a path that a program like Dropbox keeps in step with other machines; else empty."""
    return next((part for part in folder.parts if _SYNCED.fullmatch(part)), "")


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists, as an absolute path without links."""
    resolved = folder.expanduser().resolve()
    return next((place for place in (resolved, *resolved.parents) if place.is_dir()), resolved)
