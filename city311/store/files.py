"""Where files are kept that are no rows of a database: a folder on disk, or any S3-compatible store.

One call opens either; the store's own library does the rest. ``file:///srv/city311/photos`` or a plain path is a
folder. ``s3://bucket/prefix`` is a bucket (Amazon, MinIO, Ceph …) with the usual variables: ``AWS_ACCESS_KEY_ID``,
``AWS_SECRET_ACCESS_KEY``, ``AWS_REGION``, and ``AWS_ENDPOINT`` for one that is not Amazon's (``AWS_ALLOW_HTTP=true``
where it speaks plain HTTP).
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

StoreFailed = (BaseError, OSError)
"""What the functions here raise when the store cannot be reached or refuses."""


def open_files(url: str) -> ObjectStore:
    """The store at ``url``; a folder is made if need be.

    Raises:
        ValueError: the address is of no kind that is known.
    """
    parts = urlsplit(url)
    if parts.scheme in ("", "file"):
        folder = Path(parts.path)
        folder.mkdir(parents=True, exist_ok=True)
        return LocalStore(folder)
    if parts.scheme != "s3":
        raise ValueError(f"{parts.scheme}: is no kind of file store. Use a path, file:///… or s3://bucket/prefix.")
    return from_url(url)


def put(store: ObjectStore, name: str, content: bytes) -> None:
    """Keep ``content`` under ``name``; durable when it returns. Raises StoreFailed."""
    obstore.put(store, name, content)
    if isinstance(store, LocalStore) and store.prefix is not None:
        # The library leaves it to the system when a file reaches the disk.
        for path in (Path(store.prefix) / name, (Path(store.prefix) / name).parent):
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def get(store: ObjectStore, name: str) -> bytes | None:
    """What is kept under ``name``, or None. Raises StoreFailed when the store cannot be asked."""
    try:
        return bytes(obstore.get(store, name).bytes())
    except FileNotFoundError:
        return None


def remove(store: ObjectStore, name: str) -> None:
    """Forget ``name``; it need not be there. Raises StoreFailed."""
    try:
        obstore.delete(store, name)
    except FileNotFoundError:
        return
