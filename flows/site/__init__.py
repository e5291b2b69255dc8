"""The page on the office's screen: a static site in `outbox/trang/`, whole after every night, readable without network, server or build step."""

from flows.site.writing import SITE_FOLDER, write_site

__all__ = ["SITE_FOLDER", "write_site"]
