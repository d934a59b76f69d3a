"""The configuration and provenance of a run, as a section of the report."""

from typing import Any

import yaml

from cberl.report.run import Run


def describe_origin(run: Run) -> dict[str, Any]:
    """What was run, by which code, with which libraries.

    Returns:
        ``facts``: name -> value; ``libraries``: name -> version; ``config``: YAML of the whole
        configuration, defaults included; ``variants``: rows of their table; ``inputs``: path ->
        first digits of its digest.
    """
    origin = run.provenance
    return {
        "facts": {
            "version of cberl": origin.get("cberl_version"),
            "git commit": origin.get("git_commit") or "not a git checkout",
            "digest of the configuration": origin.get("settings_digest"),
            "digest of the report's code": origin.get("code_digest"),
            "seeds": ", ".join(map(str, run.evaluation.seeds)),
            **{
                f"{modality} encoder": ", ".join(
                    f"{key} {value}" for key, value in facts.items() if _is_short(value)
                )
                for modality, facts in run.encoders.items()
            },
        },
        "libraries": origin.get("libraries", {}),
        "config": yaml.safe_dump(_plain(run.config), sort_keys=False, allow_unicode=True),
        "variants": list(run.variants.values()),
        "inputs": {path: (digest or "")[:16] for path, digest in origin.get("inputs", {}).items()},
    }


def _is_short(value: Any) -> bool:
    return isinstance(value, str | int | float | bool) and len(str(value)) < 80


def _plain(value: Any) -> Any:
    """Plain dictionaries and lists, whatever Snakemake wraps them in."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
