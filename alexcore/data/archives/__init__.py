"""What arrives packed: archives, uploads and downloads, looked at before anything is written."""
