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
