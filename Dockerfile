# syntax=docker/dockerfile:1
# VideoMind on CPU, with its page, its API and the embedded model.
#
#   docker build -t videomind .
#   docker run --rm -p 127.0.0.1:8000:8000 -v videomind:/data -e VIDEOMIND_API_KEY="$(openssl rand -hex 32)" videomind
#
# Decord has wheels for x86-64 only: on another processor add --platform linux/amd64 to both.

FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/videomind
WORKDIR /source
COPY LICENSE README.md pyproject.toml ./
COPY kernels kernels
COPY lora_switch lora_switch
COPY roles roles
COPY serve serve
COPY vision vision
COPY videomind videomind
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/videomind/bin/pip install --index-url https://download.pytorch.org/whl/cpu 'torch>=2.11,<2.14' \
 && /opt/videomind/bin/pip install '.[postgres]'

FROM python:3.12-slim
RUN useradd --uid 10001 --create-home --home-dir /home/videomind videomind \
 && install -d -m 700 -o videomind -g videomind /data
COPY --from=build /opt/videomind /opt/videomind
ENV PATH=/opt/videomind/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    VIDEOMIND_ENGINE=torch \
    VIDEOMIND_HOST=0.0.0.0 \
    VIDEOMIND_PORT=8000 \
    VIDEOMIND_DATA=/data \
    VIDEOMIND_LOG_FORMAT=json
USER videomind
WORKDIR /home/videomind
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["videomind"]
CMD ["serve"]
