# Recipes for whoever works on phase2sim. `.ci/run` runs `test`'s command, then `check`, `run` and `docs`.
# `uv run just` lists them; no installation beside uv is needed.

_default:
    @just --list

# The README's test command; options are passed on: `just test -n0 tests/core`
test *options:
    uv run pytest {{ options }}

# Linter, formatter, types and the direction of imports
check:
    uv run ruff check
    uv run ruff format --check
    uv run mypy
    uv run lint-imports

# The README's first command; options are passed on: `just run --trials 500`
run *options:
    uv run phase2sim run scenarios/gxipc1-phase2.toml {{ options }}

# The reference is up to date, the notebooks run, the site builds and fetches nothing
docs:
    uv run pytest -n0 tests/docs/test_reference.py
    uv run --extra docs jupyter nbconvert --execute --to notebook --stdout notebooks/*.ipynb > /dev/null
    uv run --group site mkdocs build --strict --quiet
    ! grep -rE '<(script|link|img|iframe)[^>]*(src|href)="https?:' build/site --include='*.html'

# Write docs/reference anew, after a key, a part or an option has changed
reference:
    uv run python docs/reference/write.py

# Benchmarks that need no network; let the machine rest beside them
bench:
    uv run python benchmarks/engine.py
    uv run python benchmarks/analyses.py
    uv run python benchmarks/full_model.py
    uv run python benchmarks/looks.py
    uv run python benchmarks/sweeps.py

# Published trials forecast from the evidence before them, scored; trials under way frozen: 20 minutes at first
forecasts:
    uv run python benchmarks/forecasts/freeze.py
    uv run python benchmarks/forecasts/score.py

# Hours: type I error grids and simulation-based calibration
calibration:
    uv run pytest -m calibration
