"""Sources on this disk.

- `drawn_flowers`: drawn flowers: a source of pictures whose every fact is known, at any size, from
  a seed
- `emoji`: emoji drawings with their names and keywords, from a pack that holds several styles
- `flower_shapes`: the brush and the seven plants of the drawn flowers: fields of coverage over a
  numpy canvas
- `folder`: a source whose pictures are files: a user's folder
- `idx`: the idx files in which MNIST and Fashion-MNIST are published, gzipped or not
- `npz`: sources whose pictures are rows of an array, and the npz packs that such arrays come in
- `npz_arrays`: one array of an npz pack at a time; a large one goes into an unnamed file instead
  of memory
- `tiny_imagenet`: the tree of Tiny ImageNet as it is distributed: folders by wnid, names of
  classes beside them
"""
