"""What proves an answer, made from a result and its video: pictures, a clip, subtitles, a report."""
