"""The control plane of timestream-write: databases, tables, tags, endpoints."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from clawpulse_localstack.timestream.catalog import Catalog, Database, Table
from clawpulse_localstack.timestream.clock import Clock
from clawpulse_localstack.timestream.errors import conflict, constraint, invalid
from clawpulse_localstack.timestream.names import bounded, resource_name, tags_of

Request = Mapping[str, Any]
Response = dict[str, Any]

DEFAULT_MEMORY_HOURS = 6
DEFAULT_MAGNETIC_DAYS = 73_000
PAGE = 20


class Control:
    """One method an operation; the caller holds the store's lock."""

    def __init__(self, catalog: Catalog, clock: Clock, address: str, region: str, account: str) -> None:
        self._catalog = catalog
        self._clock = clock
        self._address = address
        self._arn = f"arn:aws:timestream:{region}:{account}:database/"
        self._kms_key = f"arn:aws:kms:{region}:{account}:alias/aws/timestream"

    def describe_endpoints(self, request: Request) -> Response:
        """Where clients go for everything else."""
        return {"Endpoints": [{"Address": self._address, "CachePeriodInMinutes": 1440}]}

    def create_database(self, request: Request) -> Response:
        """Create a database."""
        name, now = resource_name(request, "DatabaseName"), self._clock()
        if name in self._catalog.databases:
            raise conflict(f"The database {name} already exists.")
        tags = tags_of(request.get("Tags"))
        self._catalog.put_database(Database(name=name, created=now, updated=now, kms_key=request.get("KmsKeyId"), tags=tags))
        return {"Database": self._database(name)}

    def describe_database(self, request: Request) -> Response:
        """One database."""
        return {"Database": self._database(resource_name(request, "DatabaseName"))}

    def list_databases(self, request: Request) -> Response:
        """Databases by name."""
        names, token = _page(sorted(self._catalog.databases), request)
        return _with_token({"Databases": [self._database(name) for name in names]}, token)

    def update_database(self, request: Request) -> Response:
        """Change the KMS key."""
        database = self._catalog.database(resource_name(request, "DatabaseName"))
        if not request.get("KmsKeyId"):
            raise constraint("null", "kmsKeyId", "Member must not be null")
        self._catalog.put_database(replace(database, kms_key=request["KmsKeyId"], updated=self._clock()))
        return {"Database": self._database(database.name)}

    def delete_database(self, request: Request) -> Response:
        """Delete an empty database."""
        name = resource_name(request, "DatabaseName")
        self._catalog.database(name)
        if self._catalog.tables_of(name):
            raise invalid(f"The database {name} cannot be deleted because it contains tables. Delete all tables in the database first.")
        self._catalog.drop_database(name)
        return {}

    def create_table(self, request: Request) -> Response:
        """Create a table; retention defaults to 6 hours in memory, 200 years magnetic."""
        database, name = resource_name(request, "DatabaseName"), resource_name(request, "TableName")
        self._catalog.database(database)
        if (database, name) in self._catalog.tables:
            raise conflict(f"The table {name} already exists.")
        now = self._clock()
        table = Table(
            id=0,
            database=database,
            name=name,
            created=now,
            updated=now,
            memory_hours=DEFAULT_MEMORY_HOURS,
            magnetic_days=DEFAULT_MAGNETIC_DAYS,
            schema=_schema(request.get("Schema")),
            tags=tags_of(request.get("Tags")),
        )
        return {"Table": self._table(self._catalog.create_table(_with_properties(table, request)))}

    def describe_table(self, request: Request) -> Response:
        """One table."""
        return {"Table": self._table(self._named(request))}

    def list_tables(self, request: Request) -> Response:
        """Tables by database and name, of one database if it is named."""
        keys = sorted(self._catalog.tables)
        if request.get("DatabaseName") is not None:
            database = self._catalog.database(resource_name(request, "DatabaseName")).name
            keys = [key for key in keys if key[0] == database]
        names, token = _page(["/".join(key) for key in keys], request)
        wanted = set(names)
        return _with_token({"Tables": [self._table(self._catalog.tables[key]) for key in keys if "/".join(key) in wanted]}, token)

    def update_table(self, request: Request) -> Response:
        """Change retention, magnetic store writes, schema."""
        table = _with_properties(self._named(request), request)
        if request.get("Schema") is not None:
            table = replace(table, schema=_schema(request["Schema"]))
        table = replace(table, updated=self._clock())
        self._catalog.put_table(table)
        return {"Table": self._table(table)}

    def delete_table(self, request: Request) -> Response:
        """Delete a table with its data."""
        self._catalog.drop_table(self._named(request))
        return {}

    def tag_resource(self, request: Request) -> Response:
        """Set tags."""
        self._set_tags(request, lambda tags: tags | tags_of(request.get("Tags")))
        return {}

    def untag_resource(self, request: Request) -> Response:
        """Remove tags."""
        gone = set(request.get("TagKeys") or [])
        self._set_tags(request, lambda tags: {key: value for key, value in tags.items() if key not in gone})
        return {}

    def list_tags_for_resource(self, request: Request) -> Response:
        """The tags of a database or table."""
        return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(self._resource(request).tags.items())]}

    def _named(self, request: Request) -> Table:
        return self._catalog.table(resource_name(request, "DatabaseName"), resource_name(request, "TableName"))

    def _resource(self, request: Request) -> Database | Table:
        arn = str(request.get("ResourceARN") or "")
        database, _, table = arn.removeprefix(self._arn).partition("/table/")
        if not arn.startswith(self._arn) or not database:
            raise invalid(f"The ARN {arn} is not valid.")
        return self._catalog.table(database, table) if table else self._catalog.database(database)

    def _set_tags(self, request: Request, change: Any) -> None:
        resource = self._resource(request)
        tags = tags_of([{"Key": key, "Value": value} for key, value in change(dict(resource.tags)).items()])
        if isinstance(resource, Table):
            self._catalog.put_table(replace(resource, tags=tags))
        else:
            self._catalog.put_database(replace(resource, tags=tags))

    def _database(self, name: str) -> Response:
        database = self._catalog.database(name)
        return {
            "Arn": self._arn + name,
            "DatabaseName": name,
            "TableCount": len(self._catalog.tables_of(name)),
            "KmsKeyId": database.kms_key or self._kms_key,
            "CreationTime": _time(database.created),
            "LastUpdatedTime": _time(database.updated),
        }

    def _table(self, table: Table) -> Response:
        return {
            "Arn": f"{self._arn}{table.database}/table/{table.name}",
            "DatabaseName": table.database,
            "TableName": table.name,
            "TableStatus": "ACTIVE",
            "RetentionProperties": {
                "MemoryStoreRetentionPeriodInHours": table.memory_hours,
                "MagneticStoreRetentionPeriodInDays": table.magnetic_days,
            },
            "MagneticStoreWriteProperties": dict(table.magnetic_writes),
            "Schema": dict(table.schema),
            "CreationTime": _time(table.created),
            "LastUpdatedTime": _time(table.updated),
        }


def _with_properties(table: Table, request: Request) -> Table:
    retention, magnetic = request.get("RetentionProperties"), request.get("MagneticStoreWriteProperties")
    if retention is not None:
        table = replace(
            table,
            memory_hours=_retention(retention, "MemoryStoreRetentionPeriodInHours", 8766),
            magnetic_days=_retention(retention, "MagneticStoreRetentionPeriodInDays", 73_000),
        )
    if magnetic is not None:
        if not isinstance(magnetic.get("EnableMagneticStoreWrites"), bool):
            raise constraint("null", "magneticStoreWriteProperties.enableMagneticStoreWrites", "Member must not be null")
        table = replace(table, magnetic_writes=dict(magnetic))
    return table


def _retention(properties: Mapping[str, Any], member: str, high: int) -> int:
    at = f"retentionProperties.{member[0].lower()}{member[1:]}"
    if properties.get(member) is None:
        raise constraint("null", at, "Member must not be null")
    return bounded(properties[member], at, 1, high)


def _schema(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    keys = (schema or {}).get("CompositePartitionKey") or [{"Type": "MEASURE"}]
    for key in keys:
        if key.get("Type") not in {"DIMENSION", "MEASURE"}:
            at = "schema.compositePartitionKey.1.member.type"
            raise constraint(key.get("Type"), at, "Member must satisfy enum value set: [DIMENSION, MEASURE]")
        if key["Type"] == "DIMENSION" and not key.get("Name"):
            raise invalid("A partition key of type DIMENSION must have a name.")
    return {"CompositePartitionKey": [dict(key) for key in keys]}


def _page(names: Sequence[str], request: Request) -> tuple[list[str], str | None]:
    size = bounded(request.get("MaxResults") or PAGE, "maxResults", 1, PAGE)
    after = _read_token(request.get("NextToken"))
    rest = [name for name in names if name > after]
    return rest[:size], _token(rest[size - 1]) if len(rest) > size else None


def _token(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _read_token(token: str | None) -> str:
    try:
        return base64.b64decode((token or "").encode(), altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        raise invalid("The pagination token is not valid.") from None


def _with_token(response: Response, token: str | None) -> Response:
    return response | ({"NextToken": token} if token else {})


def _time(nanoseconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(nanoseconds // 1000 / 1e6, dt.UTC)
