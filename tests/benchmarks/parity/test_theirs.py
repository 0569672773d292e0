"""What CLIP_benchmark writes and says is read; its process is a script of a few lines."""

import json
import sys

import pytest

from benchmarks.parity import theirs
from benchmarks.parity.theirs import About, ClipBenchmark, figure_of, last_error, read_metrics
from retrieval.errors import BenchmarkError

TRACEBACK = """\
  0%|          | 0/18 [00:00<?, ?it/s]Traceback (most recent call last):
  File "clip_benchmark/datasets/builder.py", line 133, in build_dataset
    templates = templates[language.upper()]
                ~~~~~~~~~^^^^^^^^^^^^^^^^^^
KeyError: 'BR'
"""


def written(path, metrics):
    path.write_text(json.dumps({"dataset": "x", "metrics": metrics, "language": "en"}))
    return path


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("image_retrieval_recall@1", "t2i_r@1"),
        ("text_retrieval_recall@10", "i2t_r@10"),
        ("acc1", "top1"),
        ("acc5", "top5"),
        ("mean_per_class_recall", "mean_per_class_recall"),
    ],
)
def test_metrics_have_our_names(name, ours):
    assert figure_of(name) == ours


def test_a_result_is_read(tmp_path):
    path = written(tmp_path / "a.json", {"acc1": 0.25, "acc5": float("nan")})
    assert read_metrics(path) == {"top1": 0.25}  # of fewer than five classes there is no top-5


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"metrics": {"acc1": "x"}}', '{"metrics": {"auc": 0.5}}']
)
def test_what_is_no_result_is_refused(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(BenchmarkError, match="no result of CLIP_benchmark"):
        read_metrics(tmp_path / "a.json")
    with pytest.raises(BenchmarkError, match="no result of CLIP_benchmark"):
        read_metrics(tmp_path / "absent.json")


def test_the_error_is_what_a_traceback_ends_with():
    assert last_error(TRACEBACK) == "KeyError: 'BR'"
    assert last_error("wget: not found\n") == "wget: not found"
    assert last_error("\n") == "it said nothing"


@pytest.fixture
def harness(tmp_path, monkeypatch):
    """CLIP_benchmark whose launcher is a script that a test writes."""
    script = tmp_path / "launcher.py"
    monkeypatch.setattr(theirs, "_LAUNCHER", script)

    def scripted(text):
        script.write_text("import json, sys\n" + text)
        return ClipBenchmark(sys.executable, tmp_path / "model", tmp_path / "out")

    return scripted


def test_it_is_asked_in_full_precision_for_the_same_files(harness, tmp_path):
    asked = harness(
        "out = sys.argv[sys.argv.index('--output') + 1]\n"
        "metrics = {'image_retrieval_recall@1': 0.5}\n"
        "json.dump({'metrics': metrics, 'argv': sys.argv[1:]}, open(out, 'w'))\n"
    )
    found = asked.retrieval("flickr30k", tmp_path / "shapes", tmp_path / "shapes" / "a.txt")
    assert found == {"t2i_r@1": 0.5}
    (path,) = (tmp_path / "out").iterdir()
    argv = json.loads(path.read_text())["argv"]
    assert argv[:6] == [
        "run", "eval", "--dataset", "flickr30k", "--dataset_root", str(tmp_path / "shapes"),
    ]  # fmt: skip
    assert argv[argv.index("--model") + 1] == f"local-dir:{tmp_path / 'model'}"
    assert argv[argv.index("--annotation_file") + 1] == str(tmp_path / "shapes" / "a.txt")
    assert argv[argv.index("--recall_k") + 1 :] == ["1", "5", "10"]
    assert "--no_amp" in argv


def test_what_is_installed_is_told(harness):
    told = {"versions": {"clip-benchmark": "1.6.2"}, "files": "/x/datasets"}
    about = harness(f"sys.stdout.write(json.dumps({told!r}))\n").about()
    assert isinstance(about, About)
    assert (about.versions["clip-benchmark"], about.files.name) == ("1.6.2", "datasets")


def test_its_failure_is_told(harness, tmp_path):
    with pytest.raises(BenchmarkError, match="KeyError: 'BR'") as caught:
        harness("{}['BR']\n").classification("babel_imagenet", tmp_path, "BR")
    assert "Traceback" in caught.value.hint


def test_an_environment_that_is_not_there(tmp_path):
    missing = ClipBenchmark(tmp_path / "bin" / "python", tmp_path, tmp_path)
    with pytest.raises(BenchmarkError, match="cannot run") as caught:
        missing.about()
    assert caught.value.hint == "make parity"
