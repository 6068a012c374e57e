"""Keeps tables and buckets over a restart: the open-source LocalStack forgets them.

Moto's tables are followed by the keys that requests name, and only changed items are written, every few seconds, in one
transaction of a SQLite file: a minute of a busy fleet costs as much as it wrote, however much there is already, and whatever
moment the process is killed at, the file holds a complete state of a few seconds before.
"""
