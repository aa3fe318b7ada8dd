"""Whether a store lies where it should."""

import os
import sys
from pathlib import Path

import pytest

from skillstack.forecast.filesystems import Mount
from skillstack.forecast.places import free_bytes, store_findings


def subjects(found):
    return [finding.subject for finding in found]


def test_a_disk_of_this_machine_is_fine(tmp_path):
    (found,) = store_findings(tmp_path / "frames", (Mount(Path("/"), "ext4"),), "")
    assert (found.level, found.remedy) == ("ok", "")


def test_a_network_mount_and_memory_are_told_with_what_to_do(tmp_path):
    (network,) = store_findings(tmp_path, (Mount(tmp_path, "nfs4"),), "")
    assert (network.level, network.subject) == ("note", "network")
    assert "skillstack export" in network.remedy
    assert subjects(store_findings(tmp_path, (Mount(tmp_path, "tmpfs"),), "")) == ["memory"]


def test_a_synchronised_folder_is_told(tmp_path):
    found = store_findings(tmp_path / "OneDrive" / "frames", (), "")
    assert subjects(found) == ["synced"]


@pytest.mark.skipif(sys.platform == "win32", reason="paths of Linux")
def test_what_a_notebook_service_deletes_is_told():
    kept = store_findings(Path("/kaggle/working/frames"), (), "kaggle")
    assert "--time-limit" in kept[0].remedy
    assert "/kaggle/working/frames" in store_findings(Path("/tmp/frames"), (), "kaggle")[0].remedy
    assert "skillstack export" in store_findings(Path("/content/frames"), (), "colab")[0].remedy
    assert "session" not in subjects(store_findings(Path("/content/drive/MyDrive/f"), (), "colab"))


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs a folder that refuses")
def test_a_folder_that_cannot_be_written_is_a_problem(tmp_path):
    tmp_path.chmod(0o500)
    assert store_findings(tmp_path / "frames", (), "")[-1].level == "problem"


def test_free_space_is_known_before_a_folder_is_made(tmp_path):
    assert free_bytes(tmp_path / "not" / "yet") > 0
