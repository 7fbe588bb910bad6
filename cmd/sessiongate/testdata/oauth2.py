"""The API of FastAPI's documentation, "OAuth2 with Password (and hashing), Bearer with JWT tokens". It knows of no gateway.

Passwords are in the clear here: how an API keeps them, the gateway does not see.
"""

from datetime import datetime, timedelta

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from jose import JWTError, jwt

SECRET_KEY = "only-for-tests"
USERS = {"johndoe": {"username": "johndoe", "full_name": "John Doe", "email": "johndoe@example.com", "disabled": False}}

app = FastAPI()
oauth2_scheme = OAuth2PasswordBearer(tokenUrl="token")


def unauthorized(detail: str):
    return HTTPException(status_code=401, detail=detail, headers={"WWW-Authenticate": "Bearer"})


def current_user(token: str = Depends(oauth2_scheme)):
    try:
        name = jwt.decode(token, SECRET_KEY, algorithms=["HS256"]).get("sub")
    except JWTError:
        raise unauthorized("Could not validate credentials")
    if name not in USERS:
        raise unauthorized("Could not validate credentials")
    return USERS[name]


@app.post("/token")
def login(form: OAuth2PasswordRequestForm = Depends()):
    if form.username not in USERS or form.password != "secret":
        raise unauthorized("Incorrect username or password")
    claims = {"sub": form.username, "exp": datetime.utcnow() + timedelta(minutes=30)}
    return {"access_token": jwt.encode(claims, SECRET_KEY, algorithm="HS256"), "token_type": "bearer"}


@app.get("/users/me/")
def read_users_me(user: dict = Depends(current_user)):
    return user


@app.get("/users/me/items/")
def read_own_items(user: dict = Depends(current_user)):
    return [{"item_id": "Foo", "owner": user["username"]}]
