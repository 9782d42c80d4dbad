"""What the pages share: frame, errors, components, cached models. The only Streamlit code beside pages/."""
