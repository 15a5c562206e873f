"""The view: Gradio tabs, HTTP endpoints and plotly figures over the core. The only place that imports either."""

from charplay.ui import settings

settings.apply_environment()  # before anything of gradio is imported
