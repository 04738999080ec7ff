from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from service import database
from service.suppressions.models import Suppression


def insert_unless_in_force(session: Session, entry: Suppression) -> bool:
    """Whether it was entered: two at once for the same address leave one."""
    insert = postgresql.insert if database.is_postgresql(session) else sqlite.insert
    statement = (
        insert(Suppression)
        .values(**entry.model_dump(exclude={"id"}))
        .on_conflict_do_nothing()
        .returning(col(Suppression.id))
    )
    return session.execute(statement).scalar_one_or_none() is not None
