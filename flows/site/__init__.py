"""The page on the office's screen: a static site in `outbox/trang/`, whole after every night, readable without network, server or build step."""

SITE_FOLDER = "trang"
