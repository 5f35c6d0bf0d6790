"""The report of a BatchNorm experiment: one HTML file with every chart, sentence and table; it fetches nothing."""

from __future__ import annotations

import base64
import html
import time
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import plotly.io as pio
from plotly.offline import get_plotlyjs

from alexcore.batchnorm.comparable import experiment_command
from alexcore.batchnorm.read.record import OLD_ANSWERS, Experiment
from alexcore.batchnorm.read.verdict import evidence_rows
from alexcore.batchnorm.settings import BN_FIELDS, load_bn_config
from alexcore.batchnorm.views.arm_lines import rates_in_words
from alexcore.batchnorm.views.sections import SECTIONS, Choice, Section
from alexcore.batchnorm.views.view import View
from alexcore.config import FIELDS, load_config
from alexcore.errors import RunError
from alexcore.figures import as_drawn
from alexcore.files import read_json, replacing
from alexcore.names import visible
from alexcore.nn.norms import look_of
from alexcore.spreadsheet import csv_of
from alexcore.words.findings import told
from alexcore.words.verdict import answer_in_words, rule_in_words

# More rows than this nobody reads on a screen; the CSV beside them has all.
MOST_ROWS = 100
SHOWN = (
    *("data", "image_size", "augment", "variant", "width", "init", "activation", "dropout"),
    *("batch_size", "accumulation_steps", "optimizer", "lr", "momentum", "weight_decay", "decay_all"),
    *("scheduler", "seed"),
)
SHOWN_BN = ("arms", "seeds", "steps", "probe_images", "recalibrate_images")
STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1c2430; max-width: 1180px; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.25; } h2 { border-top: 1px solid #d5dae2; padding-top: 1.2rem; margin-top: 2.2rem; }
.what { color: #556; font-size: .92rem; } .said { border-left: 4px solid #0072B2; padding-left: .8rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 1rem; }
.charts > div { min-width: 0; }
.answer { border: 1px solid #d5dae2; border-radius: .4rem; padding: .2rem 1rem .6rem; margin: .8rem 0; }
.mark { font-size: .8rem; border-radius: .3rem; padding: .1rem .5rem; color: #fff; background: #8a4b00; }
.mark.decided { background: #00664a; }
table { border-collapse: collapse; font-size: .85rem; display: block; overflow-x: auto; max-height: 26rem; }
th, td { border: 1px solid #d5dae2; padding: .2rem .5rem; text-align: left; } th { background: #f3f5f8; }
pre { background: #f3f5f8; padding: .8rem; white-space: pre-wrap; overflow-wrap: anywhere; }
@media print { details { display: none; } }
"""


def report(run_dir: Path) -> str:
    """The whole comparison as one HTML page.

    Returns:
        The page; every name in it is escaped, and nothing in it is fetched from elsewhere.

    Raises:
        RunError: nothing has been measured yet.
        ConfigError: the folder's settings cannot be read.
    """
    experiment = Experiment(run_dir)
    experiment.refresh()
    if experiment.start is None or not experiment.arms:
        raise RunError(
            f"The experiment {run_dir.name} has measured nothing yet.", "Wait for its first steps, then try again."
        )
    title = f"BatchNorm experiment {_text(run_dir.name)}"
    body = [
        f"<h1>{title}</h1>",
        _about(run_dir, experiment),
        _verdict(experiment),
        *(_section(name, section, experiment) for name, section in SECTIONS.items()),
        _repeat(run_dir),
    ]
    head = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style><script>{get_plotlyjs()}</script></head>"
    )
    return f"{head}\n<body>\n" + "\n".join(body) + "\n</body></html>\n"


def write_report(run_dir: Path, file: Path) -> None:
    """Write the report to a file, whole or not at all.

    Raises:
        RunError: nothing has been measured yet, or the file cannot be written.
    """
    text = report(run_dir)
    with RunError.from_system(f"{file} cannot be written", "Check its folder and the disk."):
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _text(value: object) -> str:
    return html.escape(visible(str(value)), quote=True)


def _about(run_dir: Path, experiment: Experiment) -> str:
    start = experiment.start or {}
    classes = [str(each) for each in start.get("classes") or []]
    named = ", ".join(classes[:12]) + (f" and {len(classes) - 12} more" if len(classes) > 12 else "")
    env = read_json(run_dir / "env.json") or {}
    packages: dict[str, Any] = env["packages"] if isinstance(env.get("packages"), dict) else {}
    versions = {"Python": env.get("python"), "torch": packages.get("torch"), "torchvision": packages.get("torchvision")}
    steps = max((rows[-1]["step"] for rows in experiment.steps.values() if rows), default=0)
    facts = {
        "State": (read_json(run_dir / "status.json") or {}).get("state", "unknown"),
        "Arms": ", ".join(look_of(norm).title for norm in experiment.norms),
        "Seeds": ", ".join(map(str, experiment.seeds)),
        "Optimizer steps per arm": f"{steps:,} of {start.get('steps', 0):,}",
        "Learning rates": rates_in_words(experiment),
        "Classes": f"{len(classes)}: {named}",
        "Training and validation pictures": f"{start.get('train_images', '?')} and {start.get('val_images', '?')}",
        "Device": start.get("device", "unknown"),
        "Precision": start.get("precision", "unknown"),
        "Versions": ", ".join(f"{name} {version}" for name, version in versions.items() if version),
        "Written": time.strftime("%Y-%m-%d %H:%M"),
    }
    rows = "".join(f"<tr><th>{_text(name)}</th><td>{_text(value)}</td></tr>" for name, value in facts.items() if value)
    notes = "".join(f"<li>{_text(told(each)[0])}</li>" for each in (*experiment.notes, *experiment.warnings))
    return (
        '<p class="what">The same network, trained with and without a norm, from the same initial weights on the same '
        "batches. Every sentence below is computed from the numbers of this experiment, and holds for this data, this "
        f"network and these settings.</p><table>{rows}</table>"
        f"{f'<ul>{notes}</ul>' if notes else ''}{_settings(run_dir)}"
    )


def _settings(run_dir: Path) -> str:
    config, bn = load_config(run_dir / "config.json").model_dump(), load_bn_config(run_dir).model_dump()
    rows = [(BN_FIELDS[name].title, bn[name]) for name in SHOWN_BN]
    # A data set's folder says where somebody's home is: its name is enough.
    rows += [(FIELDS[name].title, Path(config[name]).name if name == "data" else config[name]) for name in SHOWN]
    cells = "".join(f"<tr><th>{_text(title)}</th><td>{_text(value)}</td></tr>" for title, value in rows)
    return f"<details><summary>Settings</summary><table>{cells}</table></details>"


def _verdict(experiment: Experiment) -> str:
    parts = ['<h2 id="verdict">Verdict</h2>']
    if not experiment.answers:
        parts.append("<p>There is no verdict: the experiment has not ended.</p>")
    if experiment.answers_are_old:
        parts.append(f"<p><strong>{_text(OLD_ANSWERS)}</strong></p>")
    if experiment.answers:
        parts.append(f'<p class="what">{_text(rule_in_words(experiment.answers))}</p>')
    for at, answer in enumerate(experiment.answers, start=1):
        decided = bool(answer.get("decided"))
        mark = "decided" if decided else "not decided by this experiment"
        words = answer_in_words(answer)
        text = (
            f'<div class="answer"><h3>{at}. {_text(words.question)}</h3>'
            f'<p><span class="mark{" decided" if decided else ""}">{mark}</span></p>'
            f"<p>{_text(words.short)}</p>"
        )
        if words.effect:
            text += f"<p>{_text(words.effect)}</p>"
        if words.detail:
            text += f'<p class="what">{_text(words.detail)}</p>'
        anchor = str(answer.get("anchor", ""))
        if anchor in SECTIONS:
            text += f'<p><a href="#{anchor}">See the charts: {_text(SECTIONS[anchor].title)}</a></p>'
        if rows := evidence_rows(answer):
            table = _table(list(rows[0]), [list(row.values()) for row in rows])
            text += _details("The numbers behind this answer", table)
        parts.append(f"{text}</div>")
    return "\n".join(parts)


def _section(name: str, section: Section, experiment: Experiment) -> str:
    parts = [f'<h2 id="{name}">{_text(section.title)}</h2>', f'<p class="what">{_text(section.about)}</p>']
    for part_name, part in section.parts.items():
        if len(section.parts) > 1:
            parts.append(f'<h3 id="{name}-{part_name}">{_text(part.title)}</h3>')
        parts += [_view(f"{name}-{part_name}-{at}", make(experiment, Choice())) for at, make in enumerate(part.makers)]
    return "\n".join(parts)


def _view(name: str, view: View) -> str:
    charts = "".join(f"<div>{_chart(f'{name}-{at}', figure)}</div>" for at, figure in enumerate(view.figures.values()))
    table = ""
    if len(view.table):
        columns = [str(each) for each in view.table.columns]
        shown = view.table.head(MOST_ROWS).astype(object).to_numpy().tolist()
        coded = base64.b64encode(csv_of(view.table).encode()).decode()
        text = f'<p><a download="{_text(view.name)}.csv" href="data:text/csv;base64,{coded}">Download as CSV</a></p>'
        if len(view.table) > MOST_ROWS:
            text += f"<p>The first {MOST_ROWS} of {len(view.table):,} rows; the CSV has them all.</p>"
        table = _details("The same as a table", text + _table(columns, shown))
    place = "stack" if view.stacked else "charts"
    return (
        f'<h4>{_text(view.title)}</h4><p class="what">{_text(view.what)}</p><div class="{place}">{charts}</div>'
        f'<p class="said">{_text(view.sentence)}</p>{table}'
    )


def _chart(name: str, figure: go.Figure) -> str:
    shown = go.Figure(as_drawn(figure)).update_layout(template="plotly_white")
    text: str = pio.to_html(
        shown,
        include_plotlyjs=False,
        full_html=False,
        div_id=f"chart-{name}",
        default_height=figure.layout.height,
        config={"displaylogo": False, "responsive": True, "showSendToCloud": False, "plotlyServerURL": ""},
    )
    return text


def _details(summary: str, content: str) -> str:
    return f"<details><summary>{_text(summary)}</summary>{content}</details>"


def _table(columns: list[str], rows: list[list[Any]]) -> str:
    head = "".join(f"<th>{_text(each)}</th>" for each in columns)
    body = "".join("<tr>" + "".join(f"<td>{_text(_cell(each))}</td>" for each in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _cell(value: Any) -> str:
    if value is None or value != value:  # nan is not itself
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _repeat(run_dir: Path) -> str:
    config = load_config(run_dir / "config.json")
    shown = config.model_copy(update={name: Path(getattr(config, name)).name for name in ("data", "val")})
    command = experiment_command(shown, load_bn_config(run_dir))
    return f'<h2 id="repeat">Repeat it</h2><pre translate="no">{_text(command)}</pre>'
