"""Reading, sampling, resizing, patching and caching of frames; subtitles; clips and figures."""
