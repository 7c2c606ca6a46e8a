"""What the environment says: every setting, its default, and one line for each wrong value."""

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from platformdirs import user_data_path
from pydantic import ByteSize, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from learners.wording import plain, quoted

if TYPE_CHECKING:
    from learners.learner import AnyLearner
    from learners.worker import Options
    from storage.database import Where

PREFIX = "FORESIGHT_"
LOCAL = ("127.0.0.1", "localhost", "::1")
TOOLSETS = ("advise", "feedback", "admin")


class WrongSetting(ValueError):
    """A setting has a value that cannot be used; one line per variable."""


class Settings(BaseSettings):
    """Each field is read from ``FORESIGHT_<NAME>``; an empty value is none."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid"
    )

    data_dir: Path = Field(
        default_factory=lambda: user_data_path("foresight", appauthor=False),
        description="where the embedded database and the logs live",
    )
    database_url: str = Field("", description="PostgreSQL 15 or newer to use instead")
    database_pooler: Literal["", "transaction"] = Field(
        "", description="the URL leads through a pooler in transaction mode"
    )
    database_direct_url: str = Field("", description="past that pooler, for LISTEN")
    pg_bin: Path | None = Field(None, description="directory of the PostgreSQL programs")
    pg_account: str = Field("", description="account that runs the database when root starts it")
    worker: Literal["inline", "off"] = Field("inline", description="train in this process, or not")
    project: str = Field("", max_length=200, description="project id instead of the host's")
    user: str = Field("", max_length=200, description="who asks")
    session: str = Field("", max_length=200, description="session id instead of the host's")
    http_host: str = Field("127.0.0.1", description="where serve --http listens")
    http_port: int = Field(8077, ge=0, le=65535, description="or the next free one")
    http_allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="comma-separated names by which others reach it, e.g. through a proxy"
    )
    http_auth: Literal["remote", "always"] = Field(
        "remote", description="a token is needed where others are served, or always"
    )
    http_rate: int = Field(
        30_000, ge=0, description="calls a minute of each token, or address without one; 0: any"
    )
    toolsets: Annotated[tuple[str, ...], NoDecode] = Field(
        ("advise", "feedback"), description="comma-separated: advise, feedback, admin"
    )
    read_only: bool = Field(False, description="serve only tools that change nothing")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="of the log on stderr and in the data directory"
    )
    models: bool = Field(True, description="false: serve what is observed and the rules only")
    store_text: Literal["redacted", "hash", "none"] = Field(
        "redacted", description="what is kept of the texts that callers send"
    )
    store_code: bool = Field(
        False,
        description="true: generated code is kept with what it measures, redacted of secrets; "
        "else, and where texts are kept as hashes or not at all, only what it measures is",
    )
    max_disk: ByteSize = Field(
        ByteSize(0), description="size of the database above which old asks go early, e.g. 2GB"
    )
    min_pairs: int = Field(50, ge=1, description="distinct things before the first run")
    min_outcomes: int = Field(100, ge=1, description="outcomes before the first run")
    retrain_outcomes: int = Field(100, ge=1, description="new outcomes that trigger a run")
    nightly_hour: int | None = Field(
        2, ge=0, le=23, description="hour of the nightly run of learners that have one; or off"
    )
    held_out_groups: int = Field(30, ge=2, description="groups that must judge a candidate")
    floors: Literal["on", "off"] = Field(
        "on", description="the floors that specifications put under a candidate, beside the gate"
    )
    train_memory_mb: int = Field(4096, ge=0, description="limit of a training process; 0: none")
    train_jobs: int = Field(1, ge=-1, description="processes over which a run is spread; -1: all")
    train_backend: str = Field("", description="of joblib; empty: its own choice")

    @field_validator("log_level", "worker", "http_auth", "floors", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @field_validator("nightly_hour", mode="before")
    @classmethod
    def _or_off(cls, value: Any) -> Any:
        return None if isinstance(value, str) and value.strip().lower() == "off" else value

    @field_validator("toolsets", "http_allowed_hosts", mode="before")
    @classmethod
    def _divided(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return tuple(filter(None, value.replace(" ", "").split(",")))

    @field_validator("toolsets")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in value if name not in TOOLSETS]:
            raise ValueError(f"expected some of {', '.join(TOOLSETS)}; got {quoted(unknown[0])}")
        return value

    @field_validator("http_allowed_hosts")
    @classmethod
    def _are_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not re.fullmatch(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:]+", name):
                raise ValueError(
                    f"expected names or addresses without scheme and port; got {name!r:.60}"
                )
        return tuple(name.lower() for name in value)

    @field_validator("database_url", "database_direct_url")
    @classmethod
    def _is_postgresql(cls, value: str) -> str:
        # the value may hold a password, so it is never shown
        if value and not value.startswith(("postgresql://", "postgres://")):
            raise ValueError("expected postgresql://user:password@host:port/database")
        return value

    @field_validator("data_dir", "pg_bin")
    @classmethod
    def _whole(cls, value: Path | None) -> Path | None:
        return value if value is None else value.expanduser().absolute()

    @property
    def cluster(self) -> Path:
        """The directory of the embedded database."""
        return self.data_dir / "postgres"

    @property
    def logs(self) -> Path:
        """The directory of this program's logs."""
        return self.data_dir / "logs"

    def where(self) -> "Where":
        """Return where the rows are kept."""
        from storage.database import Where

        return Where(
            directory=self.cluster,
            url=self.database_url,
            pooler=bool(self.database_pooler),
            direct_url=self.database_direct_url,
            binaries=self.pg_bin,
            account=self.pg_account or None,
        )

    def training(self) -> "Options":
        """Return the limits of training."""
        from learners.worker import Options

        return Options(
            memory_mb=self.train_memory_mb,
            jobs=self.train_jobs,
            backend=self.train_backend,
            max_disk=int(self.max_disk),
        )

    def applied(self, learner: "AnyLearner") -> "AnyLearner":
        """Return a learner with the thresholds that were set; the others stay its own."""
        given, retrain, gate = self.model_fields_set, learner.retrain, learner.gate
        if "min_pairs" in given:
            retrain = replace(retrain, minimum_distinct=self.min_pairs)
        if "min_outcomes" in given:
            retrain = replace(retrain, minimum_outcomes=self.min_outcomes)
        if "retrain_outcomes" in given:
            retrain = replace(retrain, outcomes=self.retrain_outcomes)
        if "nightly_hour" in given and retrain.nightly is not None:
            retrain = replace(retrain, nightly=self.nightly_hour)
        if "held_out_groups" in given:
            gate = replace(gate, groups=self.held_out_groups)
        if self.floors == "off":
            gate = replace(gate, floors={})
        return replace(learner, retrain=retrain, gate=gate)


def load(**given: Any) -> Settings:
    """Return the settings of the environment, some of them given.

    Raises:
        WrongSetting: With one line per wrong variable.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        raise WrongSetting("\n".join(map(_line, error.errors(include_url=False)))) from None


def _line(problem: Mapping[str, Any]) -> str:
    name = f"{PREFIX}{'_'.join(map(str, problem['loc'][:1])).upper()}"
    message = plain(problem["msg"])
    got = "" if "got" in message or "URL" in name else f"; got {quoted(problem['input'])}"
    return f"{name}: {message}{got}"


def misspelt(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return one line per variable with our prefix that no setting reads."""
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    lines = list[str]()
    for name in sorted(environment):
        if name.startswith(PREFIX) and name.upper() not in known:
            close = difflib.get_close_matches(name.upper(), known, 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            lines.append(f"{name}: no such setting{hint}")
    return lines
