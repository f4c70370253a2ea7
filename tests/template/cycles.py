"""Which resource waits for which, and whether any of them wait for each other.

`sam validate --lint` calls a template valid whose resources wait for each other in a circle;
CloudFormation then refuses it in the middle of a deployment.
"""

import re

PLACEHOLDER = re.compile(r"\$\{([^!${}.]+)(?:\.[^${}]+)?\}")


def named_in(value) -> set[str]:
    """Every name that the value refers to."""
    if isinstance(value, list):
        return set().union(*map(named_in, value)) if value else set()
    if not isinstance(value, dict):
        return set()
    names = set()
    for key, inner in value.items():
        if key == "Ref" and isinstance(inner, str):
            names.add(inner)
        elif key == "Fn::GetAtt":
            names.add(inner.split(".")[0] if isinstance(inner, str) else inner[0])
        elif key == "Fn::Sub":
            text = inner if isinstance(inner, str) else inner[0]
            names.update(name.strip() for name in PLACEHOLDER.findall(text))
        elif key == "DependsOn":
            names.update([inner] if isinstance(inner, str) else inner)
        names |= named_in(inner)
    return names


def find_cycle(resources: dict) -> list[str]:
    """One circle of resources, its first name again at its end, or nothing."""
    waits_for = {
        name: sorted(named_in(resource) & set(resources)) for name, resource in resources.items()
    }
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name):], name]
        if name in done:
            return []
        for other in waits_for[name]:
            if cycle := walk(other, [*path, name]):
                return cycle
        done.add(name)
        return []

    for name in sorted(resources):
        if cycle := walk(name, []):
            return cycle
    return []
