"""The API of the FastAPI tutorial: bcrypt passwords, short JWTs, rotating refresh tokens. It knows nothing of a gateway.

Run: uvicorn main:app
"""

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel

import accounts
import tokens

app = FastAPI()
bearer = OAuth2PasswordBearer(tokenUrl="/auth/login")


class Credentials(BaseModel):
    username: str
    password: str


class RefreshToken(BaseModel):
    refresh_token: str


class TokenPair(BaseModel):
    access_token: str
    refresh_token: str
    token_type: str = "bearer"


def current_user(access: str = Depends(bearer)):
    user = accounts.find(tokens.subject_of(access))
    if user is None:
        raise HTTPException(status_code=401, detail="User not found")
    return user


@app.post("/auth/login", response_model=TokenPair)
def login(body: Credentials):
    user = accounts.authenticate(body.username, body.password)
    if user is None:
        raise HTTPException(status_code=401, detail="Invalid credentials")
    return TokenPair(access_token=tokens.new_access(user), refresh_token=tokens.new_refresh(user["username"]))


@app.post("/auth/refresh", response_model=TokenPair)
def refresh(body: RefreshToken):
    user = accounts.find(tokens.owner_of(body.refresh_token))
    if user is None:
        raise HTTPException(status_code=401, detail="User not found")
    successor = tokens.rotate(body.refresh_token)
    return TokenPair(access_token=tokens.new_access(user), refresh_token=successor)


@app.post("/auth/logout")
def logout(body: RefreshToken):
    tokens.revoke(body.refresh_token)
    return {"ok": True}


@app.get("/me")
def me(user: dict = Depends(current_user)):
    return {"username": user["username"], "role": user["role"]}


@app.get("/admin/metrics")
def metrics(user: dict = Depends(current_user)):
    if user["role"] != "admin":
        raise HTTPException(status_code=403, detail="Admins only")
    return {"requests_today": 123, "uptime": "48h"}
