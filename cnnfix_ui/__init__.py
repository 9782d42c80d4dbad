"""What the pages share: frame, errors, components, cached models. All Streamlit code is here and in pages/."""
