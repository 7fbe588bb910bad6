"""A FastAPI application with an area for admins, as its tutorial writes one."""

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

app = FastAPI()


@app.api_route("/api/admin", methods=["GET", "POST"])
@app.api_route("/api/admin/", methods=["GET", "POST"])
@app.api_route("/api/admin/{rest:path}", methods=["GET", "POST"])
def admin(rest: str = ""):
    return PlainTextResponse("ADMIN")


@app.get("/items/")
def items():
    return PlainTextResponse("items")
