from recsys import tables_page


def test_the_tables_page_is_what_the_schemas_say() -> None:
    assert tables_page.PAGE.read_text(encoding="utf-8") == tables_page.render(), "run `make docs`"
