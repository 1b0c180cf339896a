"""The supervisor, with small programs in place of the three processes."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import AbstractContextManager
from pathlib import Path

from programs import DRIVER, SERVER, Supervised, is_alive, python, until

QUICK = {"first_pause_s": 0.05, "longest_pause_s": 0.1, "stop_s": 20}


def supervised(folder: Path, processes: dict[str, list[str]], **patience: float) -> AbstractContextManager[Supervised]:
    program = folder / "server.py"
    program.write_text(SERVER)
    said = {
        "folder": str(folder),
        "processes": [
            {
                "name": name,
                "command": [sys.executable, str(program), str(folder), name, *options],
                "environment": {"PATH": os.environ["PATH"]},
            }
            for name, options in processes.items()
        ],
        "patience": {**QUICK, **patience},
    }
    return python(["-c", DRIVER, json.dumps(said)], folder)


def test_a_killed_process_is_started_again_and_the_others_are_left_alone(tmp_path: Path) -> None:
    with supervised(tmp_path, {"actions": [], "portal": []}) as run:
        run.until_said("WELL")
        before = run.ids()
        os.kill(before["portal"], signal.SIGKILL)
        run.until_said("All is well again.")
        after = run.ids()
        assert "portal died (killed by SIGKILL)" in run.said
        assert after["actions"] == before["actions"]
        assert after["portal"] != before["portal"]
        assert is_alive(after["portal"])


def test_what_a_dead_process_had_started_dies_with_it(tmp_path: Path) -> None:
    with supervised(tmp_path, {"dialogue": ["with-child"]}) as run:
        run.until_said("WELL")
        child = int((tmp_path / "dialogue.child").read_text())
        os.kill(run.ids()["dialogue"], signal.SIGKILL)
        run.until_said("All is well again.")
        assert not is_alive(child)


def test_ctrl_c_stops_all_in_order_and_leaves_no_child(tmp_path: Path) -> None:
    with supervised(tmp_path, {"actions": [], "dialogue": ["with-child"], "portal": []}) as run:
        run.until_said("WELL")
        child = int((tmp_path / "dialogue.child").read_text())
        run.popen.send_signal(signal.SIGINT)
        assert run.ended() == 0
        assert (tmp_path / "stopped").read_text().split() == ["portal", "dialogue", "actions"]
        assert [process for _, process in run.started if is_alive(process)] == []
        assert not is_alive(child)
        assert not (tmp_path / "processes.json").exists()


def test_sigterm_stops_all_as_well(tmp_path: Path) -> None:
    with supervised(tmp_path, {"actions": [], "portal": []}) as run:
        run.until_said("WELL")
        run.popen.send_signal(signal.SIGTERM)
        assert run.ended() == 0
        assert (tmp_path / "stopped").read_text().split() == ["portal", "actions"]


def test_a_process_that_does_not_listen_to_sigterm_is_killed(tmp_path: Path) -> None:
    with supervised(tmp_path, {"actions": ["deaf"]}, stop_s=0.3) as run:
        run.until_said("WELL")
        run.popen.send_signal(signal.SIGTERM)
        assert run.ended() == 0
        assert [process for _, process in run.started if is_alive(process)] == []


def test_a_second_ctrl_c_does_not_wait(tmp_path: Path) -> None:
    with supervised(tmp_path, {"actions": ["deaf"]}, stop_s=100_000) as run:
        run.until_said("WELL")
        run.popen.send_signal(signal.SIGINT)
        run.until_said("Stopping")
        run.popen.send_signal(signal.SIGINT)
        assert run.ended() == 0
        assert [process for _, process in run.started if is_alive(process)] == []


def test_no_child_outlives_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    with supervised(tmp_path, {"actions": [], "dialogue": ["deaf", "with-child"]}, stop_s=0.3) as run:
        run.until_said("WELL")
        processes = [process for _, process in run.started] + [int((tmp_path / "dialogue.child").read_text())]
        run.popen.kill()
        run.ended()
        until(lambda: not any(is_alive(process) for process in processes), "the children end")


def test_five_deaths_stop_everything_with_the_log_and_what_to_do(tmp_path: Path) -> None:
    with supervised(tmp_path, {"actions": [], "portal": []}, within_s=100_000) as run:
        run.until_said("WELL")
        (tmp_path / "server.py").write_text(SERVER.replace('if "dies" in options', 'if name == "portal"'))
        os.kill(run.ids()["portal"], signal.SIGKILL)
        assert run.ended() == 1
        assert [name for name, _ in run.started].count("portal") == 5  # the first one, and four more tries
        assert "portal died 5 times within 100000 s, the last time with exit status 1" in run.said
        assert "cannot read the moon phase" in run.said
        assert "Correct what the log names" in run.said
        assert not any(is_alive(process) for _, process in run.started)


def test_deaths_long_ago_do_not_count(tmp_path: Path) -> None:
    with supervised(tmp_path, {"portal": []}, within_s=0) as run:
        run.until_said("WELL")
        for times in range(1, 8):
            os.kill(run.ids()["portal"], signal.SIGKILL)
            run.until_said("All is well again.", times)


def test_a_process_that_never_gets_up_is_given_up_early(tmp_path: Path) -> None:
    with supervised(tmp_path, {"actions": [], "dialogue": ["dies"]}, within_s=0) as run:
        assert run.ended() == 1
        assert "dialogue died 3 times while starting" in run.said
        assert "WELL" not in run.said


def test_a_stack_that_does_not_become_well_is_given_up(tmp_path: Path) -> None:
    with supervised(tmp_path, {"actions": [], "dialogue": ["never-well"]}, start_s=3) as run:
        assert run.ended() == 1
        assert "still missing: " in run.said
        assert "dialogue" in run.said.partition("still missing: ")[2]
        assert not any(is_alive(process) for _, process in run.started)


def test_a_command_that_does_not_exist(tmp_path: Path) -> None:
    said = {
        "folder": str(tmp_path),
        "processes": [{"name": "portal", "command": ["/does/not/exist"], "environment": {}}],
        "patience": QUICK,
    }
    with python(["-c", DRIVER, json.dumps(said)], tmp_path) as run:
        assert run.ended() == 1
        assert "portal cannot be started: /does/not/exist" in run.said


def test_logs_are_kept_private_and_put_aside_when_large(tmp_path: Path) -> None:
    log = tmp_path / "log" / "portal.log"
    log.parent.mkdir()
    log.write_bytes(b"old\n" * 2_000_000)
    with supervised(tmp_path, {"portal": []}) as run:
        run.until_said("WELL")
        assert log.read_text() == "portal says hello\n"
        assert log.stat().st_mode & 0o077 == 0
        assert log.with_name("portal.log.1").stat().st_size == 8_000_000
