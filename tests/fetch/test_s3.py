"""S3-compatible storage against moto's server."""

from collections.abc import Iterator

import httpx
import pytest
from pyarrow import fs

from fetch.conftest import Fetcher
from fetch.servers import Certificate, Office, free_port, http_server


class Bucket:
    """A bucket of the test's own."""

    def __init__(self, url: str, name: str) -> None:
        self.url, self.name = url, name
        self.store = fs.S3FileSystem(
            access_key="k",
            secret_key="s",
            endpoint_override=url.partition("//")[2],
            scheme="http",
            region="us-east-1",
            allow_bucket_creation=True,
        )
        self.store.create_dir(name)

    def put(self, path: str, content: bytes) -> None:
        with self.store.open_output_stream(f"{self.name}/{path}") as stream:
            stream.write(content)

    def source(self, more: str = "", prefix: str = "/xuat", url: str | None = None) -> str:
        return (
            f'name = "nguon"\nkind = "s3"\naddress = "s3://{self.name}{prefix}"\nendpoint = "{url or self.url}"\naccess_key = "k"\n'
            f'secret_key_env = "TTHC_TEST_S3"\n{more}'
        )


@pytest.fixture
def bucket(storage: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setenv("TTHC_TEST_S3", "s")
    yield Bucket(storage, f"kho-{abs(hash(request.node.name)) % 10**8}")


@pytest.mark.slow
def test_objects_are_fetched_once_and_new_content_lands_beside_the_old(fetcher: Fetcher, bucket: Bucket) -> None:
    bucket.put("xuat/xã Sơn Hạ/hồ sơ.xlsx", b"x" * 2_500_000)
    bucket.put("xuat/b.xlsx.part", b"unfinished")
    bucket.put("khac/c.xlsx", b"elsewhere")
    fetcher.write(bucket.source())
    assert fetcher.fetch().landed == ["nguon/xã Sơn Hạ/hồ sơ.xlsx"]
    assert fetcher.files() == {"nguon/xã Sơn Hạ/hồ sơ.xlsx": b"x" * 2_500_000}
    (sidecar,) = (fetcher.records() / "files").glob("*.json")
    assert '"etag": "' in sidecar.read_text(encoding="utf-8")
    assert fetcher.fetch().landed == []
    bucket.put("xuat/xã Sơn Hạ/hồ sơ.xlsx", b"newer")
    assert len(fetcher.fetch().landed) == 1 and len(fetcher.files()) == 2


@pytest.mark.slow
def test_a_listing_longer_than_one_answer_is_taken_whole(fetcher: Fetcher, bucket: Bucket) -> None:
    from moto.s3.models import s3_backends

    for number in range(1005):  # a listing comes in pages of 1,000; put in from behind, because a thousand uploads take long
        s3_backends["123456789012"]["aws"].put_object(bucket.name, f"xuat/{number}.csv", str(number).encode())
    fetcher.write(bucket.source('include = ["100?.csv", "7.csv"]'))
    assert len(fetcher.fetch().landed) == 6


def test_names_that_the_client_cannot_use_are_told_and_hide_no_more_than_they_must(fetcher: Fetcher, bucket: Bucket) -> None:
    for name in ("%2E%2E/x.xlsx", "/z.xlsx", "y.xlsx"):
        httpx.put(f"{bucket.url}/{bucket.name}/xuat/{name}", content=b"export")
    fetcher.write(bucket.source())
    outcome = fetcher.fetch()
    assert "“../x.xlsx”" in str(outcome.error) and "và 1 tệp khác" in str(outcome.error)
    assert outcome.landed == ["nguon/y.xlsx"]


def test_a_missing_bucket_is_told(fetcher: Fetcher, bucket: Bucket) -> None:
    fetcher.write(bucket.source().replace(bucket.name, "khong-co-kho"))
    assert "không có “khong-co-kho/xuat”" in str(fetcher.fetch().error)


def test_a_server_that_is_down_is_told(fetcher: Fetcher, bucket: Bucket) -> None:
    fetcher.write(bucket.source(url=f"http://127.0.0.1:{free_port()}"))
    assert "mất kết nối" in str(fetcher.fetch().error)


def test_a_wrong_key_is_told_and_not_repeated(fetcher: Fetcher, bucket: Bucket) -> None:
    bucket.put("xuat/a.xlsx", b"a")
    httpx.post(f"{bucket.url}/moto-api/reset-auth", content=b"0")  # from now on the server knows no key at all
    try:
        fetcher.write(bucket.source("retries = 3\nretry_seconds = 60"))
        assert "từ chối" in str(fetcher.fetch().error)
    finally:
        httpx.post(f"{bucket.url}/moto-api/reset-auth", content=b"1000000000")
    assert fetcher.files() == {}


def test_certificates_are_checked(fetcher: Fetcher, bucket: Bucket, certificate: Certificate) -> None:
    with http_server(Office(), certificate) as other:
        fetcher.write(bucket.source(url=other.url))
        assert "không tin được chứng thư" in str(fetcher.fetch().error)
        assert other.asked == []
