"""The pictures of the docs, a file a family; `scripts/draw_docs_pictures.py` draws them.

- `emerging`: pictures emerging from noise, as a GIF
- `evaluation`: the page that `ddpm-clip evaluate` writes, and its sheet of nearest pictures
- `explanations`: a panel of each analysis
- `gap`: embeddings of pictures and of texts, before and after a bridge
- `paper`: what all of them share: cards with a title, strips of small pictures, small files
- `tutorial`: a short training, its loss curve, its samples and what it paints
"""
