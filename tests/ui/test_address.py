"""The address and a visitor who is quicker than the page."""

from streamlit.testing.v1 import AppTest


def script() -> None:
    import streamlit as st

    from cnnfix_ui.address import Setting, kept_in_address

    def choose() -> None:
        st.session_state["name"] = "chosen"

    with kept_in_address({"name": Setting("usual", str)}):
        st.button("Choose", on_click=choose)
        if st.session_state.get("interrupted"):
            st.stop()


def test_a_click_that_interrupts_a_run_is_not_undone() -> None:
    app = AppTest.from_function(script)
    app.query_params["name"] = "linked"
    app.session_state["interrupted"] = True
    app.run()
    assert app.session_state["name"] == "linked"
    app.session_state["interrupted"] = False
    app.button[0].click().run()
    assert app.session_state["name"] == "chosen"
    assert app.query_params["name"] in ("chosen", ["chosen"])


def two_pages() -> None:
    import streamlit as st

    from cnnfix_ui.address import Setting, enter_page, kept_in_address

    enter_page(st.session_state["page"])
    with kept_in_address({"name": Setting("usual", str)}):
        if st.session_state.get("interrupted"):
            st.stop()


def test_a_click_that_interrupts_the_first_run_of_another_page_leaves_its_settings() -> None:
    app = AppTest.from_function(two_pages)
    app.query_params["name"] = "linked"
    app.session_state["page"] = "one"
    app.run()
    app.session_state["page"], app.session_state["interrupted"] = "two", True
    del app.query_params["name"]  # as links between pages do
    app.run()
    app.session_state["interrupted"] = False
    app.run()
    assert app.session_state["name"] == "linked"
    assert app.query_params["name"] in ("linked", ["linked"])
