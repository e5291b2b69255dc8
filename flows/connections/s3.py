"""S3-compatible storage (AWS, MinIO, Ceph …), through the client that comes with pyarrow: no further package is needed."""

from typing import Any, Self
from urllib.parse import urlsplit

from pyarrow import fs

from flows.connections.remote import Receive, RemoteFile, SourceFailure, StillGrowing
from flows.sources import Source

_CHUNK = 1 << 20


class S3Connection:
    """Objects below a prefix of a bucket; an object appears whole or not at all, so there is nothing to wait for."""

    def __init__(self, source: Source) -> None:
        self.source = source
        parts = urlsplit(source.addresses[0])
        self.root = f"{parts.netloc}/{parts.path.strip('/')}".rstrip("/")

    def __enter__(self) -> Self:
        ca_file, secret = self.source.file("ca_file"), self.source.secret("secret_key")
        if ca_file is not None and not ca_file.is_file():
            raise SourceFailure(f"không thấy tệp chứng thư ca_file “{ca_file.name}”")
        options: dict[str, Any] = {}
        if self.source["endpoint"]:
            endpoint = urlsplit(self.source["endpoint"])
            options = {"endpoint_override": endpoint.netloc, "scheme": endpoint.scheme}
        if ca_file:
            options["tls_ca_file_path"] = str(ca_file)
        seconds = float(self.source["timeout_seconds"])
        self.store = fs.S3FileSystem(
            access_key=self.source["access_key"],
            secret_key=secret,
            region=self.source["region"],
            connect_timeout=seconds,
            request_timeout=seconds,
            retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=1),
            **options,
        )
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def list(self) -> list[RemoteFile]:
        """See Connection."""
        try:
            infos = self.store.get_file_info(fs.FileSelector(self.root, recursive=self.source["recursive"]))
        except OSError as error:
            raise self._failure("không liệt kê được", error) from None
        files = [self._file(info) for info in infos if info.type == fs.FileType.File]
        return sorted(files, key=lambda file: file.path)

    def _file(self, info: Any) -> RemoteFile:
        path = str(info.path).removeprefix(self.root + "/")
        return RemoteFile(path, path, info.size, info.mtime.timestamp() if info.mtime else None)

    def look_again(self, file: RemoteFile) -> RemoteFile | None:
        """See Connection."""
        try:
            info = self.store.get_file_info([f"{self.root}/{file.path}"])[0]
        except OSError as error:
            raise self._failure("không xem được", error) from None
        return self._file(info) if info.type == fs.FileType.File else None

    def download(self, file: RemoteFile, receive: Receive) -> None:
        """See Connection."""
        with receive(file.path) as incoming:
            try:
                with self.store.open_input_stream(f"{self.root}/{file.path}", buffer_size=0) as stream:
                    mark = _etag(stream)
                    while chunk := stream.read(_CHUNK):
                        incoming.write(chunk)
                with self.store.open_input_stream(f"{self.root}/{file.path}", buffer_size=0) as stream:
                    is_same = _etag(stream) == mark  # it comes in pieces, and another object may have taken its place between two
            except (
                FileNotFoundError,
                ValueError,
            ):  # gone since, or "a//b" and "../b", which are names to the storage and none to its client
                raise SourceFailure(
                    f"không tải được “{file.path}”: không còn ở đó, hoặc tên không dùng được (có // hay ..); hãy đổi tên ở nơi gửi",
                    is_one_file=True,
                ) from None
            except OSError as error:
                raise self._failure(f"không tải được “{file.path}”", error) from None
            seen = self.look_again(file)
            if seen != file or not is_same:
                raise StillGrowing
            if incoming.size != file.size:
                raise SourceFailure(f"tải “{file.path}” chỉ được {incoming.size} trên {file.size} byte", may_pass=True)
            incoming.modified_at = file.modified_at
            incoming.etag = mark

    def _failure(self, what: str, error: BaseException) -> SourceFailure:
        told = str(error)
        where = self.source["endpoint"] or "S3"
        if any(
            mark in told
            for mark in ("ACCESS_DENIED", "AccessDenied", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH", "InvalidAccessKeyId")
        ):
            return SourceFailure(f"{what}: {where} từ chối, sai access_key hoặc khóa bí mật, hoặc không có quyền đọc “{self.root}”")
        if isinstance(error, FileNotFoundError) or "NoSuchBucket" in told or "NO_SUCH_BUCKET" in told:
            return SourceFailure(f"{what}: {where} không có “{self.root}”")
        if "certificate" in told.lower() or "SSL" in told or "curlCode: 60" in told:
            return SourceFailure(f"{what}: không tin được chứng thư của {where}; hãy chỉ ca_file nếu cơ quan tự cấp chứng thư")
        return SourceFailure(f"{what}: mất kết nối với {where}", may_pass=True)


def _etag(stream: Any) -> str | None:
    marks = {(k.decode() if isinstance(k, bytes) else str(k)).lower(): v for k, v in (stream.metadata() or {}).items()}
    value = marks.get("etag")
    return value.decode("ascii", "replace") if isinstance(value, bytes) else value
