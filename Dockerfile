FROM python:3.12-slim AS build
WORKDIR /build
COPY requirements-image.txt pyproject.toml README.md LICENSE settings.toml ./
RUN python -m venv /opt/connector && /opt/connector/bin/pip install --no-cache-dir --require-hashes -r requirements-image.txt
COPY connector connector
COPY tasks tasks
RUN /opt/connector/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.12-slim
RUN useradd --create-home --uid 10001 connector
COPY --from=build /opt/connector /opt/connector
ENV PATH=/opt/connector/bin:$PATH PYTHONUNBUFFERED=1
WORKDIR /home/connector
COPY --chown=10001 settings.toml ./
# By number, so that Kubernetes can see that it is not root (runAsNonRoot).
USER 10001
CMD ["connector", "run"]
