"""What only training needs is not loaded for serving, and is whole as soon as somebody uses it."""

from __future__ import annotations

import json
import subprocess
import sys

from small_bot import HOUSE


def run(code: str) -> list[object]:
    """What a new process prints, a JSON value a line."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=HOUSE, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_model_is_loaded_and_understands_without_tensorflow(small_model):
    said = run(
        "import city311.dialogue, asyncio, json, sys, structlog\n"
        "structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))\n"
        "from rasa.__main__ import main\n"
        "from rasa.core.agent import Agent\n"
        "import city311.dialogue.nlu.understanding, city311.dialogue.nlu.entities\n"
        f"agent = Agent.load({str(small_model)!r})\n"
        "parsed = asyncio.run(agent.parse_message('zcheck_status'))\n"
        "print(json.dumps([parsed['intent']['name'], 'tensorflow' in sys.modules]))"
    )
    assert said == [["check_status", False]]


def test_the_first_look_loads_the_module_whole_and_all_components_work():
    """A model with DIET, TED and the like works as in any Rasa project."""
    said = run(
        "import city311.dialogue, json, sys, threading\n"
        "import rasa.utils.train_utils as used\n"
        "import rasa.utils.train_utils\n"
        "print(json.dumps([hasattr(used, '__path__'), 'tensorflow' in sys.modules]))\n"
        "found = []\n"
        "threads = [threading.Thread(target=lambda: found.append(used.rank_and_mask)) for _ in range(8)]\n"
        "[each.start() for each in threads]; [each.join() for each in threads]\n"
        "print(json.dumps([len(found), len(set(found)), 'tensorflow' in sys.modules]))\n"
        "from rasa.utils.train_utils import rank_and_mask\n"
        "print(json.dumps([found[0] is rank_and_mask, used is rasa.utils.train_utils]))\n"
        "print(json.dumps(hasattr(used, 'no_such_name')))\n"
        "from rasa.core.policies.ted_policy import TEDPolicy\n"
        "from rasa.engine.recipes.default_components import DEFAULT_COMPONENTS\n"
        "print(json.dumps(TEDPolicy in DEFAULT_COMPONENTS))"
    )
    assert said == [[False, False], [8, 1, True], [True, True], False, True]
