"""On what a folder lies."""

from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from skillstack.forecast.filesystems import Mount, existing, mount_of, mounts, synced_by


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "9p", "fuse.sshfs", "fuse.gvfsd-fuse", "smbfs", "drvfs"])
def test_mounts_of_other_machines_are_known(kind):
    assert Mount(Path("/x"), kind).is_network


@pytest.mark.parametrize(
    "kind", ["ext4", "xfs", "overlay", "apfs", "NTFS", "fuseblk", "fuse.fuse-overlayfs", ""]
)
def test_disks_of_this_machine_are_none(kind):
    assert not Mount(Path("/x"), kind).is_network


def test_the_system_may_say_itself_that_a_drive_is_remote():
    assert Mount(Path("Z:/"), "", remote=True).is_network


def test_the_deepest_mount_counts_and_of_two_the_later():
    table = (
        Mount(Path("/"), "ext4"),
        Mount(Path("/a/b"), "xfs"),
        Mount(Path("/a"), "nfs"),
        Mount(Path("/a"), "9p"),
    )
    assert mount_of(Path("/a/c"), table).kind == "9p"
    assert mount_of(Path("/a/b/c"), table).kind == "xfs"
    assert mount_of(Path("/ab"), table).kind == "ext4"
    assert mount_of(Path("/a"), ()) is None


@pytest.mark.parametrize(
    ("path", "part"),
    [
        (PurePosixPath("/home/me/Dropbox/frames"), "Dropbox"),
        (PurePosixPath("/home/me/Dropbox (Work)/frames"), "Dropbox (Work)"),
        (PureWindowsPath("C:/Users/me/OneDrive - Firm/frames"), "OneDrive - Firm"),
        (PurePosixPath("/Users/me/Library/CloudStorage/GoogleDrive-me@x.org/My Drive"), "CloudStorage"),
        (PurePosixPath("/Users/me/Library/Mobile Documents/com~apple~CloudDocs"), "Mobile Documents"),
        (PurePosixPath("/home/me/projects/dropbox-clone/frames"), ""),
    ],
)
def test_synchronised_folders_are_known_by_their_names(path, part):
    assert synced_by(path) == part


def test_a_folder_that_is_to_be_made_lies_where_the_nearest_one_does(tmp_path):
    assert existing(tmp_path / "a" / "b") == tmp_path.resolve()
    assert mount_of(existing(tmp_path / "a"), mounts()) is not None
