"""The view: Gradio tabs, HTTP endpoints and plotly figures. Only this folder imports gradio or plotly."""

from charplay.ui import settings

settings.apply_environment()  # before any import of gradio
