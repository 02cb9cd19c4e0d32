"""The logs of pods that are gone."""

import shutil
from pathlib import Path

from deploy.cluster.pod_logs import kept_logs
from tests.support.waiting import until


async def test_a_log_stays_when_its_pod_is_gone(tmp_path: Path) -> None:
    logs, kept = tmp_path / "logs", tmp_path / "kept"
    first = logs / "barong_identity-svc-1_uid" / "service" / "0.log"
    first.parent.mkdir(parents=True)
    (kept / "of-the-last-run").mkdir(parents=True)
    with kept_logs([logs], kept):
        with first.open("w") as log:
            log.write("started\n")
            log.flush()
            place = kept / first.relative_to(logs)

            async def linked() -> bool:
                return place.exists()

            await until(linked)
            log.write("ended\n")
        shutil.rmtree(first.parents[1])
        assert place.read_text() == "started\nended\n"
    assert [each.name for each in kept.iterdir()] == ["barong_identity-svc-1_uid"]
    assert place.read_text() == "started\nended\n"
