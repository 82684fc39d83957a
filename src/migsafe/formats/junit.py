"""JUnit XML: a test case for each revision (or file of statements), a failure for each finding that fails the build."""

from collections.abc import Iterable
from xml.etree import ElementTree

from migsafe.formats import words
from migsafe.formats.frame import Files
from migsafe.model.findings import FailOn, Finding
from migsafe.model.plan import Plan, Step


def render(plan: Plan, findings: tuple[Finding, ...], files: Files, fail_on: FailOn = "error") -> str:
    """One suite. What is below `fail_on`, or accepted, stands in the output of its test case."""
    cases = [_case(step, _of(step, plan, findings), files, fail_on) for step in plan.steps]
    known = {step.revision for step in plan.steps} | {step.path for step in plan.steps}
    rest = [each for each in findings if each.revision not in known and each.path not in known]
    for path in dict.fromkeys(each.path or "SQL" for each in rest):
        alone = Step(path, (), path)
        cases.append(_case(alone, [each for each in rest if (each.path or "SQL") == path], files, fail_on))
    failures = sum(len(case.findall("failure")) > 0 for case in cases)
    counts = {"tests": str(len(cases)), "failures": str(failures), "errors": "0"}
    root = ElementTree.Element("testsuites", {"name": "migsafe", **counts})
    ElementTree.SubElement(root, "testsuite", {"name": "migsafe lint", **counts}).extend(cases)
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _of(step: Step, plan: Plan, findings: Iterable[Finding]) -> list[Finding]:
    """A finding belongs to its revision; one that names none, to the step with its path."""
    names = {each.revision for each in plan.steps}
    return [
        finding
        for finding in findings
        if (finding.revision == step.revision if finding.revision in names else finding.path == step.path)
    ]


def _case(step: Step, findings: Iterable[Finding], files: Files, fail_on: FailOn) -> ElementTree.Element:
    path = files.from_root(step.path)
    name = " ".join(part for part in (step.revision, step.doc) if part) or path
    case = ElementTree.Element("testcase", classname=_xml(path), name=_xml(name), file=_xml(path), time="0")
    told = []
    for finding in findings:
        place = f"{files.from_root(finding.path)}:{finding.line or 1}" if finding.path else "SQL"
        text = f"{place}: {finding.message}\nFix: {words.fix(finding)}"
        if finding.ignored_because is not None:
            told.append(f"accepted {finding.rule} ({finding.ignored_because}) {text}")
        elif not finding.fails(fail_on):
            told.append(f"{finding.severity} {finding.rule} {text}")
        else:
            failure = ElementTree.SubElement(case, "failure", type=finding.rule, message=_xml(finding.message))
            failure.text = _xml(text)
    if told:
        ElementTree.SubElement(case, "system-out").text = _xml("\n\n".join(told))
    return case


def _xml(text: str) -> str:
    """Text in which every character may stand in XML 1.0 (section 2.2)."""
    return "".join(char if _is_allowed(char) else "?" for char in words.plain(text))


def _is_allowed(char: str) -> bool:
    return char <= "\ud7ff" or "\ue000" <= char <= "\ufffd" or char > "\uffff"
