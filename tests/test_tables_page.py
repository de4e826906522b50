from pathlib import Path

from recsys import schemas, tables_page

QUERIES = Path(__file__).resolve().parent.parent / "sql" / "source"


def test_the_tables_page_is_what_the_schemas_say() -> None:
    assert tables_page.PAGE.read_text(encoding="utf-8") == tables_page.render(), "run `make docs`"


def test_every_query_of_a_shop_is_a_table_of_the_contract() -> None:
    assert {table.name for table in schemas.CONTRACT} == {query.stem for query in QUERIES.glob("*.sql")}
