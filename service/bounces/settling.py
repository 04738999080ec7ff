"""A kept mail is handled: its report is applied, and it is marked as done in the same transaction, so killed between the two is neither."""

from datetime import datetime

from sqlmodel import Session, select

from service import logs
from service.bounces import findings, handling, matching
from service.bounces.findings import Finding, Kind, Report
from service.bounces.matching import Forged, Means
from service.bounces.models import Action, Bounce, MailState, ReturnedMail
from service.bounces.rows import Evidence

log = logs.get(__name__)

LETTER = "This is no report: somebody wrote a letter."
FITS_NOBODY = "It names none of our messages for certain, so nobody is held to it."
FORGED = "Its return path was not made by us, or was damaged on the way. Nothing follows from it."


def settle(session: Session, mail_id: int, report: Report, means: Means, *, now: datetime) -> MailState:
    """Apply what it says; what fits nobody, and what is no report, is left for a person. One that is handled already stays as it is."""
    mail = _locked(session, mail_id)
    if mail is None or mail.state is not MailState.WAITING:
        return mail.state if mail is not None else MailState.HANDLED
    try:
        named = matching.named_by(means, [mail.rcpt_to, *report.sent_to])
    except Forged:
        log.warning("bounce.forged", mail=str(mail.uid), source=mail.source)
        return _end(session, mail, MailState.FORGED, FORGED, now)
    event = report.message_id or mail.key
    problem = None
    for finding in report.findings:
        evidence = Evidence(mail.source, event, report.form, named, mail_id=mail.id)
        bounce = (
            None
            if finding.kind is Kind.NOT_A_REPORT
            else handling.apply(session, finding, evidence, means, now=now)
        )
        problem = problem or _problem(finding, bounce)
    return _end(session, mail, MailState.TO_READ if problem else MailState.HANDLED, problem, now)


def set_aside(session: Session, mail_id: int, problem: str, *, now: datetime) -> None:
    """For a person, since we cannot read it. Nothing of it has been applied."""
    mail = _locked(session, mail_id)
    if mail is not None and mail.state is MailState.WAITING:
        _end(session, mail, MailState.TO_READ, problem, now)


def _problem(finding: Finding, bounce: Bounce | None) -> str | None:
    if finding.kind is Kind.NOT_A_REPORT:
        return (
            LETTER if finding.rule == findings.LETTER else None
        )  # "delivered" and "no spam" ask nothing of anybody
    return FITS_NOBODY if bounce is not None and bounce.action is Action.UNMATCHED else None


def _end(
    session: Session, mail: ReturnedMail, state: MailState, problem: str | None, now: datetime
) -> MailState:
    mail.state, mail.handled_at, mail.problem = state, now, problem[:500] if problem else None
    session.add(mail)
    return state


def _locked(session: Session, mail_id: int) -> ReturnedMail | None:
    query = select(ReturnedMail).where(ReturnedMail.id == mail_id).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).first()
