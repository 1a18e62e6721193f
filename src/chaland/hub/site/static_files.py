"""Static files: hashed names once they are collected, plain names before."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise is untyped
    """Answers plain addresses while nothing was collected, so that tests need no extra step."""

    def url(self, name: str, force: bool = False) -> str:
        if not self.hashed_files:
            return f"{self.base_url}{name}"
        return str(super().url(name, force))
